import type { Outcome, RateLimits, TaskView, Usage } from '@stratagem/core';
import type { Request } from '../estimate/request.js';
import { MECHANISMS } from '../mechanisms.js';
import { QuotaWindow } from './quota-window.js';

type Kind = keyof RateLimits;
const KINDS: readonly Kind[] = ['requests', 'tokens', 'inputTokens', 'outputTokens'];
/** The weight of a new observation in the moving averages of usage. */
const NEW_WEIGHT = 0.1;
/** Deviations above the mean that are kept free: a refusal costs more than a short wait. */
const HEADROOM_DEVIATIONS = 2.5;

/** The usage of one request of a type. */
interface UsageEstimate {
  mean: number;
  deviation: number;
}

/** Keeps within the limits that a server announces, so that it does not have to refuse. */
export class AnnouncedLimits {
  readonly #quotas = new Map<Kind, QuotaWindow>();
  /** By kind, and by kind and task type. */
  readonly #estimates = new Map<string, UsageEstimate>();
  /** The total estimated usage of all started requests, by kind. */
  readonly #taken = new Map<Kind, number>();
  /** The same at the start of each open request, in the order of `KINDS`. */
  readonly #takenAtStart = new Map<Request, readonly number[]>();

  /** The requests that the server would have accepted at the start of the run; 0 while unknown. */
  initialRequests = 0;

  get isEmpty(): boolean {
    return this.#quotas.size === 0;
  }

  /** When the announced limits allow a task to start. */
  availableAt(task: TaskView, now: number): number {
    let at = now;
    for (const [kind, quota] of this.#quotas) {
      const { mean, deviation } = this.#estimateOf(kind, task);
      at = Math.max(at, quota.availableAt(mean + HEADROOM_DEVIATIONS * deviation, now));
    }
    return at;
  }

  recordStart(request: Request, now: number): void {
    for (const kind of KINDS) {
      const { mean } = this.#estimateOf(kind, request.task);
      this.#taken.set(kind, (this.#taken.get(kind) ?? 0) + mean);
      this.#quotas.get(kind)?.take(mean, now);
    }
    this.#takenAtStart.set(
      request,
      KINDS.map((kind) => this.#taken.get(kind) ?? 0),
    );
  }

  /** Forgets a request whose outcome will not be known. */
  discard(request: Request): void {
    this.#takenAtStart.delete(request);
  }

  recordOutcome(request: Request, { ok, usage, rateLimits }: Outcome, now: number): void {
    const before = this.#takenAtStart.get(request) as readonly number[];
    this.#takenAtStart.delete(request);
    if (ok && usage !== undefined) this.#learn(request.task, usage);
    if (rateLimits === undefined || !MECHANISMS.announcedLimits) return;
    for (const [position, kind] of KINDS.entries()) {
      const limit = rateLimits[kind];
      if (limit === undefined) continue;
      if (kind === 'requests' && !this.#quotas.has(kind)) {
        this.initialRequests = (limit.remaining ?? 0) + (before[position] as number);
      }
      const quota = this.#quotas.get(kind) ?? new QuotaWindow();
      this.#quotas.set(kind, quota);
      const since = (this.#taken.get(kind) ?? 0) - (before[position] as number);
      quota.update(limit, since, now);
    }
  }

  #estimateOf(kind: Kind, { type, estimate }: TaskView): UsageEstimate {
    if (kind === 'requests') return { mean: 1, deviation: 0 };
    const known = this.#estimates.get(`${kind} ${type}`) ?? this.#estimates.get(kind);
    if (known !== undefined) return known;
    return { mean: kind === 'tokens' ? (estimate?.tokens ?? 0) : 0, deviation: 0 };
  }

  #learn({ type }: TaskView, { inputTokens, outputTokens }: Usage): void {
    const used = { tokens: inputTokens + outputTokens, inputTokens, outputTokens };
    for (const [kind, amount] of Object.entries(used)) {
      for (const key of [kind, `${kind} ${type}`]) {
        const known = this.#estimates.get(key);
        if (known === undefined) {
          this.#estimates.set(key, { mean: amount, deviation: amount / 2 });
          continue;
        }
        // For a normal distribution, the standard deviation is 1.25 times the mean absolute one.
        known.deviation += NEW_WEIGHT * (Math.abs(amount - known.mean) * 1.25 - known.deviation);
        known.mean += NEW_WEIGHT * (amount - known.mean);
      }
    }
  }
}
