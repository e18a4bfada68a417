import type { Outcome, RateLimits, TaskView, Usage } from '@stratagem/core';
import { QuotaWindow } from './quota-window.js';

const KINDS: readonly (keyof RateLimits)[] = ['requests', 'tokens', 'inputTokens', 'outputTokens'];
/** The weight of a new observation in the moving averages of usage. */
const NEW_WEIGHT = 0.1;
/** Mean deviations above the mean that are kept free: a refusal costs more than a short wait. */
const HEADROOM = 3;

/** The usage of a request: the moving averages of an amount, and of its distance from the average. */
interface UsageEstimate {
  mean: number;
  deviation: number;
}

function exactly(mean: number): UsageEstimate {
  return { mean, deviation: 0 };
}

/** Keeps within the limits that a server announces, so that it does not have to refuse. */
export class AnnouncedLimits {
  /** In the order of `KINDS`, as are all lists here. */
  readonly #quotas = KINDS.map(() => new QuotaWindow());
  #usage: readonly UsageEstimate[] | undefined;
  /** Whether nothing has been announced. */
  isEmpty = true;

  availableAt(task: TaskView, now: number): number {
    if (this.isEmpty) return now;
    const usage = this.#usageOf(task);
    const times = this.#quotas.map((quota, kind) => {
      const { mean, deviation } = usage[kind] as UsageEstimate;
      return quota.availableAt(mean + HEADROOM * deviation, now);
    });
    return Math.max(...times);
  }

  /** @returns The amounts taken in total, including the expected usage of this task. */
  take(task: TaskView, now: number): readonly number[] {
    const usage = this.#usageOf(task);
    return this.#quotas.map((quota, kind) => quota.take((usage[kind] as UsageEstimate).mean, now));
  }

  /** @param taken The result of `take` for this request. */
  recordOutcome(taken: readonly number[], { ok, usage, rateLimits }: Outcome, now: number): void {
    if (ok && usage !== undefined) this.#learn(usage);
    for (const [kind, name] of KINDS.entries()) {
      const limit = rateLimits?.[name];
      if (limit === undefined) continue;
      this.isEmpty = false;
      this.#quotas[kind]?.update(limit, taken[kind] as number, now);
    }
  }

  #usageOf({ estimate }: TaskView): readonly UsageEstimate[] {
    return this.#usage ?? [1, estimate?.tokens ?? 0, 0, 0].map(exactly);
  }

  #learn({ inputTokens, outputTokens }: Usage): void {
    const used = [1, inputTokens + outputTokens, inputTokens, outputTokens];
    this.#usage ??= used.map(exactly);
    for (const [kind, known] of this.#usage.entries()) {
      const amount = used[kind] as number;
      known.deviation += NEW_WEIGHT * (Math.abs(amount - known.mean) - known.deviation);
      known.mean += NEW_WEIGHT * (amount - known.mean);
    }
  }
}
