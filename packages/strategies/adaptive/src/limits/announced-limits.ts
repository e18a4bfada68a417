import type { Outcome, RateLimits, TaskView, Usage } from '@stratagem/core';
import type { Request } from '../model/request.js';
import { QuotaWindow } from './quota-window.js';

type Kind = keyof RateLimits;
const KINDS: readonly Kind[] = ['requests', 'tokens', 'inputTokens', 'outputTokens'];
/** How quickly what is known of usage gives way to what it is now. */
const NEWEST = 0.1;

/** What requests of a type use. */
interface Use {
  mean: number;
  deviation: number;
}

/** Keeps to the limits that a server announces, so that it need not refuse. */
export class AnnouncedLimits {
  readonly #allowances = new Map<Kind, QuotaWindow>();
  /** By kind and type of task. */
  readonly #uses = new Map<string, Use>();
  /** What has been asked for so far, by kind. */
  readonly #taken = new Map<Kind, number>();
  readonly #takenBefore = new Map<Request, readonly number[]>();

  /** How many requests would have been let in together at first; 0 while that is not known. */
  atFirst = 0;

  get isEmpty(): boolean {
    return this.#allowances.size === 0;
  }

  /** When a task may start as far as the announced limits go. */
  availableAt(task: TaskView, now: number): number {
    let at = now;
    for (const [kind, allowance] of this.#allowances) {
      const { mean, deviation } = this.#useOf(kind, task);
      // Room for one that is larger than most: to be refused costs more than to wait a moment.
      at = Math.max(at, allowance.availableAt(mean + 2.5 * deviation, now));
    }
    return at;
  }

  started(request: Request, now: number): void {
    for (const kind of KINDS) {
      const { mean } = this.#useOf(kind, request.task);
      this.#taken.set(kind, (this.#taken.get(kind) ?? 0) + mean);
      this.#allowances.get(kind)?.take(mean, now);
    }
    this.#takenBefore.set(
      request,
      KINDS.map((kind) => this.#taken.get(kind) ?? 0),
    );
  }

  ended(request: Request, { ok, usage, rateLimits }: Outcome, now: number): void {
    const before = this.#takenBefore.get(request) as readonly number[];
    this.#takenBefore.delete(request);
    if (ok && usage !== undefined) this.#learn(request.task, usage);
    if (rateLimits === undefined) return;
    for (const [position, kind] of KINDS.entries()) {
      const limit = rateLimits[kind];
      if (limit === undefined) continue;
      if (kind === 'requests' && !this.#allowances.has(kind)) {
        this.atFirst = (limit.remaining ?? 0) + (before[position] as number);
      }
      const allowance = this.#allowances.get(kind) ?? new QuotaWindow();
      this.#allowances.set(kind, allowance);
      const since = (this.#taken.get(kind) ?? 0) - (before[position] as number);
      allowance.announced(limit, since, now);
    }
  }

  #useOf(kind: Kind, { type, estimate }: TaskView): Use {
    if (kind === 'requests') return { mean: 1, deviation: 0 };
    const known = this.#uses.get(`${kind} ${type}`) ?? this.#uses.get(kind);
    if (known !== undefined) return known;
    return { mean: kind === 'tokens' ? (estimate?.tokens ?? 0) : 0, deviation: 0 };
  }

  #learn({ type }: TaskView, { inputTokens, outputTokens }: Usage): void {
    const used = { tokens: inputTokens + outputTokens, inputTokens, outputTokens };
    for (const [kind, amount] of Object.entries(used)) {
      for (const key of [kind, `${kind} ${type}`]) {
        const use = this.#uses.get(key);
        if (use === undefined) {
          this.#uses.set(key, { mean: amount, deviation: amount / 2 });
          continue;
        }
        use.deviation += NEWEST * (Math.abs(amount - use.mean) * 1.25 - use.deviation);
        use.mean += NEWEST * (amount - use.mean);
      }
    }
  }
}
