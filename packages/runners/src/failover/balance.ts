import type { TaskRunner } from '@stratagem/core';
import { checkOptions, OptionError } from '@stratagem/core/runner';
import { detailsOf } from '../util/error-details.js';
import { checkRunner } from '../util/wrapped.js';
import {
  BREAKER_OPTIONS,
  type BreakerOptions,
  type BreakerSettings,
  breakerSettings,
} from './circuit-breaker.js';
import { withRetryAfter } from './combined-error.js';
import { compositeProperties } from './composite.js';
import { Health } from './health.js';
import { withHealth } from './with-health.js';

/** A runner and its share of the work. */
export interface WeightedRunner {
  readonly runner: TaskRunner;
  /**
   * A runner of weight 2 gets twice as many requests as one of weight 1.
   * @default 1
   */
  readonly weight?: number | undefined;
}

export interface BalanceOptions extends BreakerOptions {}

/**
 * Spreads attempts over equivalent runners. Each attempt goes to the runner with the fewest requests
 * in flight relative to its weight; ties go to the one with the fewest requests so far. A runner is
 * skipped while it keeps failing, has asked to wait, or has announced an exhausted limit. When all
 * are unavailable, the first to recover gets the request.
 *
 * An attempt is one request to one runner. When it fails, the executor's retry goes to the runner
 * that is least busy by then. The error has a `retryAfterMs` only while every runner is unavailable.
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
    throw new OptionError('balance() needs a list of at least one runner, and optional options');
  }
  checkOptions('balance()', options, BREAKER_OPTIONS);
  const settings = breakerSettings('balance()', options);
  const members = runners.map((given, index) => createMember(given, index + 1, settings));
  return {
    ...compositeProperties(
      'balance',
      members.map(({ runner }) => runner),
    ),
    async run(request, context) {
      const member = chooseMember(members, performance.now());
      const { runner, health } = member;
      member.inFlight++;
      try {
        const { signal } = context;
        const response = await withHealth(health, signal, () => runner.run(request, context));
        health.applyAnnouncement(response?.rateLimits, performance.now());
        return response;
      } catch (thrown) {
        const now = performance.now();
        health.applyAnnouncement(detailsOf(thrown).rateLimits, now);
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
  /** The number of its requests so far, relative to its weight. */
  share: number;
}

function createMember(given: unknown, position: number, settings: BreakerSettings): Member {
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

/** The member to send the next request to. The same requests and responses give the same choices. */
function chooseMember(members: readonly Member[], now: number): Member {
  const waits = members.map(({ health }) => health.waitMs(now));
  const shortest = Math.min(...waits);
  const candidates = members.filter((_, index) => waits[index] === shortest);
  const chosen = candidates.reduce((best, each) => (isLessBusy(each, best) ? each : best));
  chosen.share += 1 / chosen.weight;
  for (const member of members) {
    // A skipped member must not get a burst of requests when it recovers.
    if (!candidates.includes(member)) member.share = Math.max(member.share, chosen.share);
  }
  return chosen;
}

function isLessBusy(a: Member, b: Member): boolean {
  const [loadA, loadB] = [a.inFlight / a.weight, b.inFlight / b.weight];
  return loadA === loadB ? a.share < b.share : loadA < loadB;
}
