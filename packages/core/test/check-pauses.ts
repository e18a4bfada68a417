import type { ResourcePaused, RunEvent, TaskFailed, TaskRetrying } from '../src/contract/event.js';
import type { Task } from '../src/contract/task.js';
import { must } from './must.js';

/** With these a run is resumed, before anything else. */
const RESUMPTION = ['run_resumed', 'strategy_initialized', 'run_paused', 'run_unpaused'];

/** Which resources may start nothing, as the errors of their servers say. */
export class PauseWatch {
  readonly #resourceOf: (task: Task) => string;
  readonly #until = new Map<string, number>();
  /** What the next entry must be. */
  #expected: Pick<ResourcePaused, 'resource' | 'pauseMs' | 'code'> | undefined;

  constructor(resourceOf: (task: Task) => string = () => 'simulation') {
    this.#resourceOf = resourceOf;
  }

  entering(event: RunEvent): void {
    // If the log ends between the two events, the resumed run logs the second one first.
    if (RESUMPTION.includes(event.type)) return;
    const expected = this.#expected;
    this.#expected = undefined;
    must((event.type === 'resource_paused') === (expected !== undefined), 'a pause is in the log');
    if (event.type !== 'resource_paused' || expected === undefined) return;
    const { resource, pauseMs, code } = event;
    must(resource === expected.resource, 'a pause is for the resource of the task');
    must(pauseMs === expected.pauseMs && code === expected.code, 'a pause is what was asked for');
  }

  failed({ error, timestamp }: TaskFailed | TaskRetrying, task: Task): void {
    const { code, retryAfterMs = 0 } = error;
    const isHeeded = code === 'rate_limited' || code === 'overloaded';
    if (!isHeeded || !(retryAfterMs > 0) || task.run !== undefined) return;
    const resource = this.#resourceOf(task);
    const until = timestamp + retryAfterMs;
    if (until <= (this.#until.get(resource) ?? 0)) return;
    this.#until.set(resource, until);
    this.#expected = { resource, pauseMs: retryAfterMs, code };
  }

  isPaused(task: Task, now: number): boolean {
    return (this.#until.get(this.#resourceOf(task)) ?? 0) > now;
  }
}
