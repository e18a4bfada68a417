import type { Outcome, RateLimits, TaskView, Usage } from '@stratagem/core';
import { QuotaWindow } from './quota-window.js';

const KINDS: readonly (keyof RateLimits)[] = ['requests', 'tokens', 'inputTokens', 'outputTokens'];
/** The position of the tokens in `KINDS`; the requests come first. */
const TOKENS = 1;
/** The weight of a new observation in the moving averages of usage. */
const NEW_WEIGHT = 0.1;
/** Mean deviations above the mean that are kept free: a refusal costs more than a short wait. */
const HEADROOM = 3;

/** The usage of a request: the moving averages of an amount, and of its distance from the average. */
interface UsageEstimate {
  mean: number;
  deviation: number;
}

const ONE_REQUEST: UsageEstimate = { mean: 1, deviation: 0 };

/** Keeps within the limits that a server announces, so that it does not have to refuse. */
export class AnnouncedLimits {
  /** In the order of `KINDS`, as are all lists here. */
  readonly #quotas = KINDS.map(() => new QuotaWindow());
  #usage: readonly UsageEstimate[] | undefined;
  /** Whether nothing has been announced. */
  isEmpty = true;

  /** When the announced limits allow a task to start. */
  availableAt(task: TaskView, now: number): number {
    if (this.isEmpty) return now;
    let at = now;
    for (let kind = 0; kind < KINDS.length; kind++) {
      const { mean, deviation } = this.#usageOf(kind, task);
      const quota = this.#quotas[kind] as QuotaWindow;
      at = Math.max(at, quota.availableAt(mean + HEADROOM * deviation, now));
    }
    return at;
  }

  /**
   * Takes the expected usage of a task that starts.
   *
   * @returns The amounts taken in total by now.
   */
  take(task: TaskView, now: number): readonly number[] {
    return this.#quotas.map((quota, kind) => quota.take(this.#usageOf(kind, task).mean, now));
  }

  /** @param taken The result of `take` for this request. */
  recordOutcome(taken: readonly number[], { ok, usage, rateLimits }: Outcome, now: number): void {
    if (ok && usage !== undefined) this.#learn(usage);
    for (const [kind, name] of KINDS.entries()) {
      const limit = rateLimits?.[name];
      if (limit === undefined) continue;
      this.isEmpty = false;
      const before = taken[kind] as number;
      this.#quotas[kind]?.update(limit, before, now);
    }
  }

  /** @param kind Its position in `KINDS`. */
  #usageOf(kind: number, { estimate }: TaskView): UsageEstimate {
    if (kind < TOKENS) return ONE_REQUEST;
    const mean = kind === TOKENS ? (estimate?.tokens ?? 0) : 0;
    return this.#usage?.[kind] ?? { mean, deviation: 0 };
  }

  #learn({ inputTokens, outputTokens }: Usage): void {
    const used = [1, inputTokens + outputTokens, inputTokens, outputTokens];
    this.#usage ??= used.map((mean) => ({ mean, deviation: mean / 2 }));
    for (const [kind, amount] of used.entries()) {
      const known = this.#usage[kind] as UsageEstimate;
      known.deviation += NEW_WEIGHT * (Math.abs(amount - known.mean) - known.deviation);
      known.mean += NEW_WEIGHT * (amount - known.mean);
    }
  }
}
