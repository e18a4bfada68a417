import type { TaskWaiting, ToolApprovalRequested } from '@stratagem/core';
import type { PresetAnswers } from '../options/run-flags.js';
import { askYesOrNo, type Terminal } from './terminal.js';
import { answerAsTyped } from './typed-answer.js';

/** The part of a run that receives answers. */
export interface Answerable {
  answer(taskId: string, answer: unknown): Promise<void>;
  approve(taskId: string, callId?: string): Promise<void>;
  reject(taskId: string, reason?: unknown, callId?: string): Promise<void>;
}

/**
 * Answers the human steps of a run, and its questions about calls of tools, with preset answers, or by asking
 * on the terminal one at a time. When nobody else can answer, such as on a page, a step without a timeout stops
 * the run, because it would wait forever.
 */
export class HumanSteps {
  readonly #run: Answerable;
  readonly #answers: Map<string, unknown>;
  readonly #rejected: ReadonlySet<string>;
  readonly #terminal: Terminal | undefined;
  readonly #stop: (reason: string) => void;
  readonly #othersAnswer: boolean;
  readonly #waiting = new Map<string, AbortController>();
  #lastQuestion: Promise<void> = Promise.resolve();

  constructor(
    run: Answerable,
    preset: PresetAnswers,
    terminal: Terminal | undefined,
    stop: (reason: string) => void,
    othersAnswer = false,
  ) {
    this.#run = run;
    this.#terminal = terminal;
    this.#stop = stop;
    this.#othersAnswer = othersAnswer;
    this.#rejected = new Set(preset.reject);
    this.#answers = new Map([
      ...(preset.approve ?? []).map((id): [string, unknown] => [id, true]),
      ...(preset.answer ?? []).map(({ id, value }): [string, unknown] => [id, value]),
    ]);
  }

  onWaiting(event: TaskWaiting): void {
    const { taskId, kind, timeoutMs } = event;
    if (this.#rejected.has(taskId)) {
      this.#run.reject(taskId, 'with --reject').catch(() => {});
    } else if (this.#answers.has(taskId)) {
      this.#submit(taskId, this.#answers.get(taskId)).catch((error: Error) =>
        this.#stop(error.message),
      );
    } else if (this.#terminal !== undefined) {
      const terminal = this.#terminal;
      const { signal } = this.#register(taskId);
      this.#lastQuestion = this.#lastQuestion.then(() => this.#ask(event, terminal, signal));
    } else if (timeoutMs === undefined && !this.#othersAnswer) {
      const option =
        kind === 'approval' ? `--approve ${taskId} or --reject ${taskId}` : `--answer ${taskId}=…`;
      this.#stop(
        `task "${taskId}" waits for an ${kind}, but there is no terminal to ask on; use ${option}`,
      );
    }
  }

  /** A call of a tool waits for its approval. */
  onCall(event: ToolApprovalRequested): void {
    const { taskId, key, tool, timeoutMs } = event;
    if (this.#rejected.has(taskId)) this.#run.reject(taskId, 'with --reject', key).catch(() => {});
    else if (this.#answers.get(taskId) === true) this.#run.approve(taskId, key).catch(() => {});
    else if (this.#terminal !== undefined) {
      const terminal = this.#terminal;
      const { signal } = this.#register(callName(taskId, key));
      this.#lastQuestion = this.#lastQuestion.then(() => this.#askCall(event, terminal, signal));
    } else if (timeoutMs === undefined && !this.#othersAnswer) {
      this.#stop(
        `task "${taskId}" asks to call the tool "${tool}", but there is no terminal to ask on; ` +
          `use --approve ${taskId} or --reject ${taskId}`,
      );
    }
  }

  /** Withdraws the question about a call that somebody else has decided. */
  onDecided(taskId: string, key: string): void {
    this.#withdraw(callName(taskId, key));
  }

  /** Withdraws the questions about the calls of an attempt that has ended. */
  onAttemptEnded(taskId: string): void {
    for (const name of [...this.#waiting.keys()]) {
      if (name.startsWith(callName(taskId, ''))) this.#withdraw(name);
    }
  }

  /** Withdraws the question of a task that settled before it was answered. */
  onSettled(taskId: string): void {
    this.#withdraw(taskId);
    this.onAttemptEnded(taskId);
  }

  #withdraw(name: string): void {
    this.#waiting.get(name)?.abort();
    this.#waiting.delete(name);
  }

  /** Withdraws all questions: the run has ended here, and may go on elsewhere. */
  close(): void {
    for (const name of [...this.#waiting.keys()]) this.#withdraw(name);
  }

  #register(taskId: string): AbortController {
    const controller = new AbortController();
    this.#waiting.set(taskId, controller);
    return controller;
  }

  async #ask(event: TaskWaiting, terminal: Terminal, signal: AbortSignal): Promise<void> {
    const { taskId, kind, question } = event;
    while (!signal.aborted) {
      try {
        if (kind === 'answer') {
          await this.#submit(taskId, (await terminal.ask(`${question}\n> `, signal)).trim());
        } else if (await askYesOrNo(terminal, question, signal)) {
          await this.#run.answer(taskId, true);
        } else {
          await this.#run.reject(taskId);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        terminal.print(error instanceof Error ? error.message : String(error));
      }
    }
  }

  async #askCall(
    { taskId, key, tool, input }: ToolApprovalRequested,
    terminal: Terminal,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    try {
      const question = `Task "${taskId}": call ${tool} with ${JSON.stringify(input)}?`;
      if (await askYesOrNo(terminal, question, signal)) await this.#run.approve(taskId, key);
      else await this.#run.reject(taskId, undefined, key);
    } catch (error) {
      if (!signal.aborted) terminal.print(error instanceof Error ? error.message : String(error));
    }
  }

  /** Submits text as it is, or as JSON if the task accepts only that. */
  #submit(taskId: string, answer: unknown): Promise<void> {
    return answerAsTyped((given) => this.#run.answer(taskId, given), answer);
  }
}

/** No id of a task has a control character. */
function callName(taskId: string, key: string): string {
  return `${taskId}\0${key}`;
}
