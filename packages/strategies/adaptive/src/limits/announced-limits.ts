import type { Outcome, RateLimits, TaskType, TaskView, Usage } from '@stratagem/core';
import type { Request } from '../estimate/request.js';
import { QuotaWindow } from './quota-window.js';

type Kind = keyof RateLimits;
const KINDS: readonly Kind[] = ['requests', 'tokens', 'inputTokens', 'outputTokens'];
/** The position of the tokens in `KINDS`; the requests come first. */
const TOKENS = 1;
/** The weight of a new observation in the moving averages of usage. */
const NEW_WEIGHT = 0.1;
/** Deviations above the mean that are kept free: a refusal costs more than a short wait. */
const HEADROOM_DEVIATIONS = 2.5;

/** The usage of one kind by one request. */
interface UsageEstimate {
  mean: number;
  deviation: number;
}

/** The same for each kind, in the order of `KINDS`. */
type UsageEstimates = readonly UsageEstimate[];

const ONE_REQUEST: UsageEstimate = { mean: 1, deviation: 0 };

/** Keeps within the limits that a server announces, so that it does not have to refuse. */
export class AnnouncedLimits {
  /** By the position of the kind in `KINDS`. */
  readonly #quotas = new Map<number, QuotaWindow>();
  /** Of all requests, and by the type of the task. */
  #estimates: UsageEstimates | undefined;
  readonly #estimatesByType = new Map<TaskType, UsageEstimates>();
  /** The total estimated usage of all started requests, in the order of `KINDS`. */
  readonly #taken = KINDS.map(() => 0);
  /** The same at the start of each open request. */
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
    for (let kind = 0; kind < KINDS.length; kind++) {
      const { mean } = this.#estimateOf(kind, request.task);
      this.#taken[kind] = (this.#taken[kind] as number) + mean;
      this.#quotas.get(kind)?.take(mean, now);
    }
    this.#takenAtStart.set(request, this.#taken.slice());
  }

  /** Forgets a request whose outcome will not be known. */
  discard(request: Request): void {
    this.#takenAtStart.delete(request);
  }

  recordOutcome(request: Request, { ok, usage, rateLimits }: Outcome, now: number): void {
    const before = this.#takenAtStart.get(request) as readonly number[];
    this.#takenAtStart.delete(request);
    if (ok && usage !== undefined) this.#learn(request.task, usage);
    if (rateLimits === undefined) return;
    for (const [kind, name] of KINDS.entries()) {
      const limit = rateLimits[name];
      if (limit === undefined) continue;
      if (name === 'requests' && !this.#quotas.has(kind)) {
        this.initialRequests = (limit.remaining ?? 0) + (before[kind] as number);
      }
      const quota = this.#quotas.get(kind) ?? new QuotaWindow();
      this.#quotas.set(kind, quota);
      quota.update(limit, (this.#taken[kind] as number) - (before[kind] as number), now);
    }
  }

  /** @param kind Its position in `KINDS`. */
  #estimateOf(kind: number, { type, estimate }: TaskView): UsageEstimate {
    const known = this.#estimatesByType.get(type) ?? this.#estimates;
    if (known !== undefined) return known[kind] as UsageEstimate;
    if (kind < TOKENS) return ONE_REQUEST;
    return { mean: kind === TOKENS ? (estimate?.tokens ?? 0) : 0, deviation: 0 };
  }

  #learn({ type }: TaskView, { inputTokens, outputTokens }: Usage): void {
    const used = [1, inputTokens + outputTokens, inputTokens, outputTokens];
    this.#estimates = updated(this.#estimates, used);
    this.#estimatesByType.set(type, updated(this.#estimatesByType.get(type), used));
  }
}

/** The estimates after one more request, with this usage of each kind. */
function updated(known: UsageEstimates | undefined, used: readonly number[]): UsageEstimates {
  if (known === undefined) {
    const [, ...tokens] = used;
    return [ONE_REQUEST, ...tokens.map((mean) => ({ mean, deviation: mean / 2 }))];
  }
  for (let kind = TOKENS; kind < used.length; kind++) {
    const amount = used[kind] as number;
    const estimate = known[kind] as UsageEstimate;
    // For a normal distribution, the standard deviation is 1.25 times the mean absolute one.
    const deviation = Math.abs(amount - estimate.mean) * 1.25;
    estimate.deviation += NEW_WEIGHT * (deviation - estimate.deviation);
    estimate.mean += NEW_WEIGHT * (amount - estimate.mean);
  }
  return known;
}
