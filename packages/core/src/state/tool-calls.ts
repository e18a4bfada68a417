import type { TaskOutputReceived } from '../contract/event.js';
import type { RecordedToolResult } from '../contract/tool.js';

interface OfTask {
  /** The calls that were made before the attempt was started again. */
  readonly before: Set<string>;
  /** The calls that it has made since. */
  readonly made: Set<string>;
  readonly results: Map<string, RecordedToolResult>;
}

/**
 * The calls of tools that the attempts in flight made, by their keys. An attempt that starts again after
 * a crash finds the results of its calls here, so that no call is made twice.
 */
export class ToolCalls {
  readonly #byTask = new Map<number, OfTask>();

  /** Number of tasks in flight that have called tools. */
  get size(): number {
    return this.#byTask.size;
  }

  reported(index: number, event: TaskOutputReceived): void {
    if ((event.kind !== 'tool_call' && event.kind !== 'tool_result') || event.key === undefined) {
      return;
    }
    const { key } = event;
    const of = this.#byTask.get(index) ?? {
      before: new Set(),
      made: new Set(),
      results: new Map(),
    };
    this.#byTask.set(index, of);
    if (event.kind === 'tool_call') {
      of.made.add(key);
      return;
    }
    const { ok, output, message } = event;
    of.results.set(key, { key, ok, output, message });
  }

  /** The results of the calls of the attempt in flight at a task. */
  resultsAt(index: number): readonly RecordedToolResult[] {
    const results = this.#byTask.get(index)?.results;
    return results === undefined ? [] : [...results.values()];
  }

  /** The result of a call of the attempt in flight at a task. */
  resultOf(index: number, key: string): RecordedToolResult | undefined {
    return this.#byTask.get(index)?.results.get(key);
  }

  /** Whether an attempt that was started again made this call then, and has not made it again. */
  isLeftFromBefore(index: number, key: string): boolean {
    const of = this.#byTask.get(index);
    return of?.before.has(key) === true && !of.made.has(key);
  }

  /** Whether an attempt that was started again makes a call that it did not make before. */
  isNew(index: number, key: string): boolean {
    const of = this.#byTask.get(index);
    return of !== undefined && of.before.size > 0 && !of.before.has(key);
  }

  /** An attempt has been started again after its process ended. */
  restarted(index: number): void {
    const of = this.#byTask.get(index);
    for (const key of of?.made ?? []) of?.before.add(key);
    of?.made.clear();
  }

  /** The attempt has ended. */
  end(index: number): void {
    this.#byTask.delete(index);
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    const tasks = Array.from(this.#byTask, ([index, { before, made, results }]) => {
      return [index, [...before], [...made], [...results.values()]] as const;
    });
    return { tasks };
  }
}
