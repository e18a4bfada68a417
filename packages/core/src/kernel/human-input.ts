import { describe, RunnerError } from '../contract/errors.js';
import type { Task } from '../contract/task.js';
import { waitOf } from '../contract/wait-for.js';
import type { Graph } from '../graph/graph.js';
import type { KernelParts } from './kernel-parts.js';
import type { Recorder } from './recorder.js';
import type { Settling } from './settling.js';
import type { Timers } from './timers.js';

/** The tasks that wait for a human. */
export class HumanSteps {
  readonly #graph: Graph;
  readonly #record: Recorder;
  readonly #timers: Timers;
  readonly #readyAt: number[];
  readonly #settling: Settling;
  /** Those that have come up and have not been answered. */
  readonly #asked = new Set<number>();

  constructor(parts: KernelParts, settling: Settling) {
    this.#graph = parts.graph;
    this.#record = parts.record;
    this.#timers = parts.timers;
    this.#readyAt = parts.readyAt;
    this.#settling = settling;
  }

  /** How many have come up and have not been answered. */
  get size(): number {
    return this.#asked.size;
  }

  has(index: number): boolean {
    return this.#asked.has(index);
  }

  ask(index: number, question: string, now: number): void {
    const { kind, timeoutMs } = this.#waitOf(index);
    this.restore(index, now, timeoutMs);
    this.#record.waiting(index, { kind, question, timeoutMs }, now);
  }

  /** It has been asked at that time, and the log says so. */
  restore(index: number, askedAt: number, timeoutMs: number | undefined): void {
    this.#readyAt[index] = askedAt;
    this.#asked.add(index);
    if (timeoutMs !== undefined) this.#timers.set(index, askedAt + timeoutMs);
  }

  /** For an approval, `true` gives it and anything else refuses. */
  answer(index: number, answer: unknown, now: number): void {
    if (this.#waitOf(index).kind === 'approval' && answer !== true) {
      this.reject(index, undefined, now);
      return;
    }
    if (!this.#asked.delete(index)) return; // Answered, or timed out, a moment before.
    this.#timers.clear(index);
    this.#settling.complete(index, answer, now);
  }

  reject(index: number, reason: unknown, now: number): void {
    if (!this.#asked.delete(index)) return;
    this.#timers.clear(index);
    const because = reason === undefined ? '' : `: ${describe(reason)}`;
    const error = new RunnerError('rejected', `it was not approved${because}`);
    this.#settling.fail(index, error, now, this.#readyAt[index]);
  }

  /** Nobody has answered in time. */
  timeUp(index: number, now: number): void {
    const wait = this.#waitOf(index);
    if (wait.default !== undefined) {
      this.answer(index, wait.default, now);
      return;
    }
    this.#asked.delete(index);
    const error = new RunnerError('timeout', `nobody answered within ${wait.timeoutMs} ms`);
    this.#settling.fail(index, error, now, this.#readyAt[index]);
  }

  /** No answer is waited for any more. */
  clear(): void {
    this.#asked.clear();
  }

  #waitOf(index: number): ReturnType<typeof waitOf> {
    return waitOf((this.#graph.tasks[index] as Task).waitFor as NonNullable<Task['waitFor']>);
  }
}
