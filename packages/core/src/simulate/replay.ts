import { foldRun } from '../analysis/analyze.js';
import { type RunFold, wasRefused } from '../analysis/run-fold.js';
import { checkLimit, checkOptions } from '../contract/check-options.js';
import type { RunEvent, RunStarted } from '../contract/event.js';
import { listOfEvents } from '../state/check-events.js';
import type { PlanResult } from '../state/result.js';
import { REPLAY_OPTIONS, type ReplayOptions } from './replay-options.js';
import { replayPlan } from './replay-plan.js';
import { simulate } from './simulate.js';

/**
 * Replays a recorded run in virtual time: each attempt takes as long, and fails, as it was recorded, and
 * people answer after the same time. Ready tasks start in the recorded order, as early as the cap, pauses
 * of servers and of people, and retries allow. Tasks that other tasks added become ready when those end.
 *
 * @param events The events of a run, ended or not.
 * @throws {OptionError} for an invalid option, or when the events are not those of a run.
 *
 * @example
 * const { metrics } = replayRun(result.timeline, { maxParallel: 8 });
 * console.log(`a cap of 8: ${metrics.executionTimeMs} ms`);
 */
export function replayRun(events: Iterable<RunEvent>, options: ReplayOptions = {}): PlanResult {
  checkOptions('replayRun()', options, REPLAY_OPTIONS);
  const { maxParallel } = options;
  if (maxParallel !== undefined) checkLimit('replayRun()', 'maxParallel', maxParallel);
  const list = listOfEvents('replayRun()', events);
  return replay(foldRun('replayRun()', list), list, options);
}

function replay(fold: RunFold, events: readonly RunEvent[], options: ReplayOptions): PlanResult {
  const { plan, ...given } = replayPlan(fold, options);
  const start = events.findLast(({ type }) => type === 'run_started') as RunStarted;
  return simulate(plan, {
    ...given,
    maxParallel: options.maxParallel ?? firstCap(fold),
    resources: start.limits?.resources,
    actions: [...pauses(fold), ...(options.maxParallel === undefined ? capChanges(fold) : [])],
  });
}

function firstCap({ steps }: RunFold): number {
  return steps.find(({ running }) => running > 0)?.limit ?? Number.POSITIVE_INFINITY;
}

function capChanges({ steps }: RunFold) {
  return steps.flatMap(({ limit, atMs }, position) => {
    if (atMs === 0 || limit === steps[position - 1]?.limit) return [];
    const cap = limit ?? Number.POSITIVE_INFINITY;
    return { atMs, act: (run: { setMaxParallel(cap: number): void }) => run.setMaxParallel(cap) };
  });
}

function pauses(fold: RunFold) {
  return fold.blockers.pauses(fold.clock.latest).flatMap(({ resource, startMs, endMs }) => {
    if (resource !== undefined) return [];
    return [
      { atMs: startMs, act: (run: { pause(): void }) => run.pause() },
      { atMs: endMs, act: (run: { resume(): void }) => run.resume() },
    ];
  });
}

/** How long a run would have taken under another condition. */
export interface Alternative {
  readonly kind: 'max_parallel' | 'without_rate_limits' | 'without_retries';
  /** For `max_parallel`, the cap; null for none. */
  readonly maxParallel?: number | null | undefined;
  readonly makespanMs: number;
}

export interface Alternatives {
  /** How long the run took. */
  readonly makespanMs: number;
  /**
   * How long its replay takes. A strategy that held tasks back, or a server that is slower under load,
   * makes a difference to the run itself; compare the alternatives with this.
   */
  readonly replayMs: number;
  readonly alternatives: readonly Alternative[];
}

/** How often the cap is doubled and halved. */
const DOUBLINGS = 3;

/**
 * What would have made a run faster: its replay with other caps, without any, without pauses for rate
 * limits, and without retries. Servers are assumed to be as fast under more load.
 *
 * @param events The events of a run, ended or not.
 * @throws {OptionError} when the events are not those of a run.
 *
 * @example
 * const { replayMs, alternatives } = findAlternatives(result.timeline);
 */
export function findAlternatives(events: Iterable<RunEvent>): Alternatives {
  const list = listOfEvents('findAlternatives()', events);
  const fold = foldRun('findAlternatives()', list);
  const timeOf = (options: ReplayOptions) => replay(fold, list, options).metrics.executionTimeMs;
  const alternatives: Alternative[] = capsToTry(fold).map((maxParallel) => ({
    kind: 'max_parallel',
    maxParallel: maxParallel === Number.POSITIVE_INFINITY ? null : maxParallel,
    makespanMs: timeOf({ maxParallel }),
  }));
  const has = (outcome: (refused: boolean) => boolean) =>
    fold.tasks.some(({ attempts = [] }) =>
      attempts.some((each) => each.outcome === 'retried' && outcome(wasRefused(each))),
    );
  if (has((refused) => refused)) {
    const makespanMs = timeOf({ withoutRateLimits: true });
    alternatives.push({ kind: 'without_rate_limits', makespanMs });
  }
  if (has((refused) => !refused)) {
    alternatives.push({ kind: 'without_retries', makespanMs: timeOf({ withoutRetries: true }) });
  }
  return { makespanMs: fold.clock.latest, replayMs: timeOf({}), alternatives };
}

/** Caps around the recorded one, without one that could make no difference; no cap comes last. */
function capsToTry(fold: RunFold): number[] {
  const peak = fold.steps.reduce((most, { running }) => Math.max(most, running), 0);
  if (peak === 0) return [];
  const cap = firstCap(fold);
  // Between the most that ran at once and the cap, a lower cap would not have been noticed.
  const bases = Number.isFinite(cap)
    ? { lower: Math.min(peak, cap), higher: cap }
    : { lower: peak, higher: peak };
  const caps = new Set<number>();
  for (let step = -DOUBLINGS; step <= DOUBLINGS; step++) {
    const each = Math.round((step > 0 ? bases.higher : bases.lower) * 2 ** step);
    if (each >= 1 && each !== cap && each < fold.tasks.length) caps.add(each);
  }
  if (Number.isFinite(cap)) caps.add(Number.POSITIVE_INFINITY);
  return [...caps];
}
