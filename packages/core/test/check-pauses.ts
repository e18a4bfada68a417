import type { ResourcePaused, RunEvent, TaskFailed, TaskRetrying } from '../src/contract/event.js';
import { asksModel, type Task } from '../src/contract/task.js';
import type { Account } from './account.js';
import { must } from './must.js';

/** With these a run is resumed, before anything else. */
const RESUMPTION = ['run_resumed', 'strategy_initialized', 'run_paused', 'run_unpaused'];

/** Which resources may start nothing, as the errors of their servers say. */
export class PauseWatch {
  readonly #resourceOf: (task: Task) => string;
  readonly #until = new Map<string, number>();
  readonly #trials = new Map<string, Trial>();
  /** What has begun, and may have ended since. */
  readonly #attempts = new Map<string, Set<Account>>();
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

  /** @param maxRetryAfterMs A server that asks for more is not waited for. */
  failed(
    { error, timestamp }: TaskFailed | TaskRetrying,
    task: Task,
    maxRetryAfterMs = Number.POSITIVE_INFINITY,
  ): void {
    const { code, retryAfterMs = 0 } = error;
    if (NO_ANSWER.includes(code)) this.ended(task, timestamp);
    else this.answered(task, timestamp);
    if (!isRefused(error) || !asksModel(task) || retryAfterMs > maxRetryAfterMs) return;
    const resource = this.#resourceOf(task);
    const until = timestamp + retryAfterMs;
    if (until <= (this.#until.get(resource) ?? 0)) return;
    this.#until.set(resource, until);
    this.#trials.set(resource, { pauseMs: retryAfterMs, allowed: 1 });
    this.#expected = { resource, pauseMs: retryAfterMs, code };
  }

  /** The server has answered: the place of the attempt is free, and there may be one more. */
  answered(task: Task, now: number): void {
    this.#allow(task, now, 2);
  }

  /** An attempt has ended without an answer: its place is free. */
  ended(task: Task, now: number): void {
    this.#allow(task, now, 1);
  }

  #allow(task: Task, now: number, more: number): void {
    const trial = this.#trials.get(this.#resourceOf(task));
    if (trial !== undefined && !this.isPaused(task, now)) trial.allowed += more;
  }

  started(account: Account): void {
    const resource = this.#resourceOf(account.task);
    const attempts = this.#attempts.get(resource) ?? new Set();
    this.#attempts.set(resource, attempts.add(account));
  }

  /** Whether an attempt may start: the server, or the time since its pause, allows one more. */
  mayTry(task: Task, now: number): boolean {
    const resource = this.#resourceOf(task);
    const trial = this.#trials.get(resource);
    if (trial === undefined || this.isPaused(task, now)) return true;
    const sinceMs = now - (this.#until.get(resource) as number);
    if (trial.allowed + Math.floor(sinceMs / trial.pauseMs) < 1) return false;
    trial.allowed--;
    return true;
  }

  /** Whether an attempt must start: nothing is in flight there since its pause. */
  mustTry(task: Task): boolean {
    const resource = this.#resourceOf(task);
    if (!this.#trials.has(resource)) return true;
    const until = this.#until.get(resource) as number;
    for (const account of this.#attempts.get(resource) ?? []) {
      if (account.status !== 'running') this.#attempts.get(resource)?.delete(account);
      else if (account.startedAt >= until) return false;
    }
    return true;
  }

  isPaused(task: Task, now: number): boolean {
    return (this.#until.get(this.#resourceOf(task)) ?? 0) > now;
  }
}

/** A server that has asked to wait. */
interface Trial {
  readonly pauseMs: number;
  /** How many attempts may start, without those that the time since the pause allows. */
  allowed: number;
}

const NO_ANSWER = ['rate_limited', 'overloaded', 'timeout', 'connection'];

/** A busy server refused it, and asked to make it later. */
export function isRefused({ code, retryAfterMs = 0 }: TaskFailed['error']): boolean {
  return (code === 'rate_limited' || code === 'overloaded') && retryAfterMs > 0;
}
