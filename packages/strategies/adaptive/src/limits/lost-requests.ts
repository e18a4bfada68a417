import { Durations } from '../estimate/durations.js';
import type { Request } from '../estimate/request.js';
import { MECHANISMS } from '../mechanisms.js';

/**
 * Tells lost requests from slow ones: a request is lost when one that started much later has been answered, as
 * in TCP (RACK). A timer cannot tell them apart, because a server may have become slow for all requests.
 */
export class LostRequests {
  /** Requests in flight that are not lost, in the order of their start. */
  readonly #open = new Set<Request>();
  /** Typical durations of tasks without an estimate, and of tasks with one: relative to it. */
  readonly #absolute = new Durations();
  readonly #relative = new Durations();
  /** The latest start of an answered request. */
  #answeredStart = Number.NEGATIVE_INFINITY;

  /** The number of requests in flight, without lost ones. */
  get inFlight(): number {
    return this.#open.size;
  }

  add(request: Request): void {
    this.#open.add(request);
  }

  remove(request: Request): void {
    this.#open.delete(request);
  }

  /** Counts an answer, and drops the requests that are now considered lost. */
  recordAnswer({ task, startedAt }: Request, now: number): void {
    if (!MECHANISMS.lostRequests) return;
    this.#durationsOf(task).record(task.type, Math.max(1, now - startedAt) / estimateOf(task));
    this.#answeredStart = Math.max(this.#answeredStart, startedAt);
    for (const request of this.#open) {
      const laterMs = this.#answeredStart - request.startedAt;
      // The others started even later.
      if (laterMs <= 0) return;
      const most = this.#durationsOf(request.task).unusualMs(request.task.type);
      if (laterMs > most * estimateOf(request.task)) this.#open.delete(request);
    }
  }

  #durationsOf({ estimate }: Request['task']): Durations {
    return estimate?.durationMs === undefined ? this.#absolute : this.#relative;
  }
}

function estimateOf({ estimate }: Request['task']): number {
  return Math.max(1, estimate?.durationMs ?? 1);
}
