import { checkOptions, OptionError, type TaskRunner } from '@stratagem/core';
import {
  BREAKER_OPTIONS,
  type BreakerOptions,
  type BreakerSettings,
  breakerSettings,
} from './circuit-breaker.js';
import { detailsOf, withRetryAfter } from './combined-error.js';
import { checkRunner, descriptionOf } from './composite.js';
import { Health } from './health.js';
import { observed } from './with-health.js';

/** A runner among others, and how much of the work it takes. */
export interface WeightedRunner {
  readonly runner: TaskRunner;
  /**
   * One of weight 2 gets twice as much as one of weight 1.
   * @default 1
   */
  readonly weight?: number;
}

export interface BalanceOptions extends BreakerOptions {}

/**
 * Spreads attempts over runners that do the same: each goes to the one with the fewest requests in
 * flight for its weight and, where they are equal, to the one that has had the least. One that keeps
 * failing, that asked to wait, or whose server announced that nothing is left of a limit, is passed
 * over until it is due again; when all are, the one that is due first is asked.
 *
 * An attempt is one request to one runner. When it fails, the executor's retry goes to whichever is
 * least busy then; the error asks to wait only while all runners do.
 *
 * @throws {OptionError} when there is no runner, or an option is unknown or out of range.
 *
 * @example
 * const runner = balance([
 *   openai({ client: europe }),
 *   { runner: openai({ client: america }), weight: 3 },
 * ]);
 */
export function balance(
  runners: readonly (TaskRunner | WeightedRunner)[],
  options: BalanceOptions = {},
): TaskRunner {
  if (!Array.isArray(runners) || runners.length === 0) {
    throw new OptionError('balance() takes a list of at least one runner, and options');
  }
  checkOptions('balance()', options, BREAKER_OPTIONS);
  const settings = breakerSettings('balance()', options);
  const members = runners.map((given, index) => memberOf(given, index + 1, settings));
  const choice = new Choice(members);
  return {
    ...descriptionOf(
      'balance',
      members.map(({ runner }) => runner),
    ),
    async run(request, context) {
      const member = choice.next(performance.now());
      const { runner, health } = member;
      member.inFlight++;
      try {
        const { signal } = context;
        const output = await observed(health, signal, () => runner.run(request, context));
        health.announced(output?.rateLimits, performance.now());
        return output;
      } catch (thrown) {
        const now = performance.now();
        health.announced(detailsOf(thrown).rateLimits, now);
        const waitMs = Math.ceil(Math.min(...members.map((each) => each.health.waitMs(now))));
        throw withRetryAfter(thrown, waitMs > 0 ? waitMs : undefined);
      } finally {
        member.inFlight--;
      }
    },
  };
}

interface Member {
  readonly runner: TaskRunner;
  readonly weight: number;
  readonly health: Health;
  inFlight: number;
  /** What it has had so far, for its weight. */
  share: number;
}

function memberOf(given: unknown, position: number, settings: BreakerSettings): Member {
  const owner = `balance(): runner ${position}`;
  const isWeighted = typeof given === 'object' && given !== null && 'runner' in given;
  if (isWeighted) checkOptions(owner, given, ['runner', 'weight']);
  const { runner, weight = 1 } = (isWeighted ? given : { runner: given }) as WeightedRunner;
  checkRunner('balance()', `runner ${position}`, runner);
  if (!(Number.isFinite(weight) && weight > 0)) {
    throw new OptionError(`${owner}: weight must be a number above 0; it is ${String(weight)}`);
  }
  return { runner, weight, health: new Health(settings), inFlight: 0, share: 0 };
}

/** Whose turn it is. The same requests and answers give the same choices. */
class Choice {
  readonly #members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  next(now: number): Member {
    const waits = this.#members.map(({ health }) => health.waitMs(now));
    const shortest = Math.min(...waits);
    const due = this.#members.filter((_, index) => waits[index] === shortest);
    const next = due.reduce((best, each) => (isBefore(each, best) ? each : best));
    next.share += 1 / next.weight;
    for (const member of this.#members) {
      // Who was passed over has not earned a crowd of requests for when it is back.
      if (!due.includes(member)) member.share = Math.max(member.share, next.share);
    }
    return next;
  }
}

function isBefore(a: Member, b: Member): boolean {
  const [busyA, busyB] = [a.inFlight / a.weight, b.inFlight / b.weight];
  return busyA === busyB ? a.share < b.share : busyA < busyB;
}
