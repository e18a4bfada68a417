import { type OutputPart, partOf } from '../contract/output-part.js';
import type { RunContext } from '../contract/run-context.js';

/** The context of an attempt, which records what the runner does with it. Its fields are getters. */
export class RecordingContext implements RunContext {
  readonly parts: OutputPart[] = [];
  /** Fields of emitted parts that no part of their kind has. */
  readonly foreignFields = new Set<string>();
  isOver = false;
  wasLate = false;
  listeners = 0;
  readonly #taskId: string;
  readonly #controller = new AbortController();

  constructor(taskId = 'a') {
    this.#taskId = taskId;
    const { signal } = this.#controller;
    const { addEventListener, removeEventListener } = signal;
    const listening = new Set<unknown>();
    const count = () => {
      this.listeners = signal.aborted ? 0 : listening.size;
    };
    signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
      listening.add(given[1]);
      count();
      addEventListener.apply(signal, given);
    };
    signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
      listening.delete(given[1]);
      count();
      removeEventListener.apply(signal, given);
    };
    signal.addEventListener('abort', () => listening.clear());
    listening.clear();
    this.listeners = 0;
  }

  get runId(): string {
    return 'conformance';
  }

  get priority(): number {
    return 0;
  }

  get criticalPath(): number {
    return 1;
  }

  get taskId(): string {
    return this.#taskId;
  }

  get failures(): RunContext['failures'] {
    return [];
  }

  get idempotencyKey(): string {
    return `conformance/${this.#taskId}/1`;
  }

  get attempt(): number {
    return 1;
  }

  get attemptsLeft(): number {
    return 3;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get remainingMs(): undefined {
    return undefined;
  }

  get emit(): RunContext['emit'] {
    return (part) => {
      if (this.isOver) this.wasLate = true;
      const own = partOf(part);
      for (const name of Object.keys(Object(typeof part === 'string' ? undefined : part))) {
        if (!(name in own) && part[name as never] !== undefined) this.foreignFields.add(name);
      }
      this.parts.push(own);
      return undefined;
    };
  }

  get addTasks(): RunContext['addTasks'] {
    return () => {};
  }

  get text(): string {
    return this.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  }

  stop(): void {
    this.#controller.abort(new Error('enough'));
    this.listeners = 0;
  }
}
