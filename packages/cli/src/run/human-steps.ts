import type { TaskWaiting } from '@stratagem/core';

/** What answers were given on the command line, by the id of the task. */
export interface GivenAnswers {
  readonly approve?: readonly string[];
  readonly reject?: readonly string[];
  readonly answer?: readonly { readonly id: string; readonly value: string }[];
}

/** The part of a run that takes answers. */
export interface Answerable {
  answer(taskId: string, answer: unknown): Promise<void>;
  reject(taskId: string, reason?: unknown): Promise<void>;
}

/** Asks whoever sits at the terminal. */
export interface Terminal {
  /** Rejects when the signal is aborted. */
  ask(question: string, signal: AbortSignal): Promise<string>;
  tell(text: string): void;
}

/**
 * Answers the human steps of a run: with what was given beforehand, or by asking, one at a time.
 * Without a terminal, a step that would wait without end stops the run.
 */
export class HumanSteps {
  readonly #run: Answerable;
  readonly #given: Map<string, unknown>;
  readonly #rejected: ReadonlySet<string>;
  readonly #terminal: Terminal | undefined;
  readonly #stop: (why: string) => void;
  readonly #waiting = new Map<string, AbortController>();
  #asking: Promise<void> = Promise.resolve();

  constructor(
    run: Answerable,
    given: GivenAnswers,
    terminal: Terminal | undefined,
    stop: (why: string) => void,
  ) {
    this.#run = run;
    this.#terminal = terminal;
    this.#stop = stop;
    this.#rejected = new Set(given.reject);
    this.#given = new Map([
      ...(given.approve ?? []).map((id): [string, unknown] => [id, true]),
      ...(given.answer ?? []).map(({ id, value }): [string, unknown] => [id, value]),
    ]);
  }

  /** A human step has come up. */
  onWaiting(event: TaskWaiting): void {
    const { taskId, kind, timeoutMs } = event;
    if (this.#rejected.has(taskId)) {
      this.#run.reject(taskId, 'with --reject').catch(() => {});
    } else if (this.#given.has(taskId)) {
      this.#give(taskId, this.#given.get(taskId)).catch((error: Error) =>
        this.#stop(error.message),
      );
    } else if (this.#terminal !== undefined) {
      const controller = new AbortController();
      this.#waiting.set(taskId, controller);
      this.#asking = this.#asking.then(() => this.#ask(event, controller.signal));
    } else if (timeoutMs === undefined) {
      const option =
        kind === 'approval' ? `--approve ${taskId} or --reject ${taskId}` : `--answer ${taskId}=…`;
      this.#stop(
        `task "${taskId}" waits for an ${kind}, and there is no terminal to ask; give ${option}`,
      );
    }
  }

  /** A task has settled; if it still waits for an answer, that comes too late. */
  onSettled(taskId: string): void {
    this.#waiting.get(taskId)?.abort();
    this.#waiting.delete(taskId);
  }

  async #ask({ taskId, kind, question }: TaskWaiting, signal: AbortSignal): Promise<void> {
    const terminal = this.#terminal as Terminal;
    while (!signal.aborted) {
      try {
        const hint = kind === 'approval' ? ' [y/n] ' : '\n> ';
        const text = (await terminal.ask(`${question}${hint}`, signal)).trim();
        if (kind === 'answer') await this.#give(taskId, text);
        else if (/^y(es)?$/i.test(text)) await this.#run.answer(taskId, true);
        else if (/^no?$/i.test(text)) await this.#run.reject(taskId);
        else {
          terminal.tell('Please answer y or n.');
          continue;
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        terminal.tell(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** A text as it stands, or as JSON if only that is what the task takes. */
  async #give(taskId: string, answer: unknown): Promise<void> {
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
