import type { TaskWaiting } from '@stratagem/core';
import type { PresetAnswers } from '../options/run-flags.js';
import { askYesOrNo, type Terminal } from './terminal.js';

/** The part of a run that receives answers. */
export interface Answerable {
  answer(taskId: string, answer: unknown): Promise<void>;
  reject(taskId: string, reason?: unknown): Promise<void>;
}

/**
 * Answers the human steps of a run with preset answers, or by asking on the terminal one at a time.
 * Without a terminal and without a page, a step without a timeout stops the run, because it would wait
 * forever.
 */
export class HumanSteps {
  readonly #run: Answerable;
  readonly #answers: Map<string, unknown>;
  readonly #rejected: ReadonlySet<string>;
  readonly #terminal: Terminal | undefined;
  readonly #stop: (reason: string) => void;
  readonly #hasPage: boolean;
  readonly #waiting = new Map<string, AbortController>();
  #lastQuestion: Promise<void> = Promise.resolve();

  constructor(
    run: Answerable,
    preset: PresetAnswers,
    terminal: Terminal | undefined,
    stop: (reason: string) => void,
    hasPage = false,
  ) {
    this.#run = run;
    this.#terminal = terminal;
    this.#stop = stop;
    this.#hasPage = hasPage;
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
    } else if (timeoutMs === undefined && !this.#hasPage) {
      const option =
        kind === 'approval' ? `--approve ${taskId} or --reject ${taskId}` : `--answer ${taskId}=…`;
      this.#stop(
        `task "${taskId}" waits for an ${kind}, but there is no terminal to ask on; use ${option}`,
      );
    }
  }

  /** Withdraws the question of a task that settled before it was answered. */
  onSettled(taskId: string): void {
    this.#waiting.get(taskId)?.abort();
    this.#waiting.delete(taskId);
  }

  /** Withdraws all questions: the run has ended here, and may go on elsewhere. */
  close(): void {
    for (const taskId of [...this.#waiting.keys()]) this.onSettled(taskId);
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

  /** Submits text as it is, or as JSON if the task accepts only that. */
  async #submit(taskId: string, answer: unknown): Promise<void> {
    try {
      await this.#run.answer(taskId, answer);
    } catch (error) {
      const parsed = typeof answer === 'string' ? parseJson(answer) : undefined;
      if (parsed === undefined) throw error;
      await this.#run.answer(taskId, parsed.value);
    }
  }
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
