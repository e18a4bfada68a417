import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must } from '../../test/must.js';
import { type RandomRun, randomRun, recipes } from '../../test/random-runs.js';
import { recorded } from '../../test/recorded.js';
import type { RunEvent } from '../contract/event.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import { analyzeRun, RunAnalyzer } from './analyze.js';
import type { PartKind, RunAnalysis, SpanKind } from './types.js';

/** 1,000 in the test command. */
const RUNS = Math.max(50, Math.ceil(Number(process.env.RUNS ?? 10_000) / 10));
const SEED = Number(process.env.SEED ?? 1);

test(`the parts of the path and of each task add up in ${RUNS} random runs and their prefixes`, () => {
  const parts = new Set<PartKind>();
  const kinds = new Set<SpanKind>();
  fc.assert(
    fc.property(
      recipes,
      fc.noBias(fc.nat(999)),
      fc.constantFrom(0, 17.3),
      (recipe, cut, downtimeMs) => {
        const run = randomRun(recipe);
        const { timeline } = simulate(run.plan, run.options);
        const whole = checkEvery(timeline, run);
        for (const { part } of whole.criticalPath.parts) parts.add(part);
        for (const { spans } of whole.tasks) for (const { kind } of spans) kinds.add(kind);
        const again = randomRun(recipe);
        const prefix = timeline.slice(0, 1 + Math.floor((cut / 1_000) * timeline.length));
        const log = recorded(again.plan, prefix);
        const resumed = resumeSimulation(again.plan, again.options, log, { downtimeMs });
        check(analyzeRun(resumed.timeline), run);
      },
    ),
    {
      numRuns: RUNS,
      seed: SEED,
      // A round of re-planning ends at once, after a pause.
      examples: [
        [{ seed: 481048705, size: 1, features: ['pause', 'replan', 'taskControl'] }, 0, 0],
      ],
    },
  );
  const wanted: PartKind[] = ['work', 'free_slot', 'rate_limit', 'retry', 'person', 'paused'];
  expect([...parts]).toEqual(expect.arrayContaining([...wanted, 'strategy', 'budget', 'replan']));
  expect([...kinds]).toEqual(
    expect.arrayContaining([
      'dependency',
      'cap',
      'resource_cap',
      'retried',
      'backoff',
      'children',
      'run',
    ]),
  );
});

const IN_FLIGHT: readonly SpanKind[] = ['queue', 'run', 'retried'];

function areaOf(steps: RunAnalysis['concurrency'], endMs: number): number {
  return steps.reduce((area, { atMs, running }, position) => {
    return area + running * ((steps[position + 1]?.atMs ?? endMs) - atMs);
  }, 0);
}

/** Checks the analysis of every prefix of a log, made step by step. */
function checkEvery(timeline: readonly RunEvent[], recipe: RandomRun): RunAnalysis {
  const analyzer = new RunAnalyzer();
  for (const event of timeline) {
    analyzer.add(event);
    check(analyzer.analyze(), recipe);
    check(analyzer.analyze({ now: event.timestamp + 3.7 }));
  }
  return analyzer.analyze();
}

function check(run: RunAnalysis, recipe?: RandomRun): void {
  const { makespanMs, criticalPath, counts, tasks, concurrency } = run;
  checkChain(criticalPath.segments, 0, makespanMs, 'the path');
  let inFlightMs = 0;
  let sum = 0;
  for (const { ms } of criticalPath.parts) {
    must(ms > 0, 'every part took time');
    sum += ms;
  }
  must(sum === makespanMs, `the parts add up to ${sum} of ${makespanMs}`);
  for (const { id, bornMs, endMs = makespanMs, spans, attempts, ranMs, waitedMs } of tasks) {
    checkChain(spans, bornMs, endMs, id);
    must(ranMs >= 0 && waitedMs >= 0, 'no negative times', id);
    for (const attempt of attempts) must((attempt.endMs ?? makespanMs) >= attempt.startMs, id);
    for (const { kind, startMs, endMs } of spans) {
      if (IN_FLIGHT.includes(kind)) inFlightMs += endMs - startMs;
      if (recipe === undefined) continue;
      if (kind === 'strategy') must(recipe.patienceMs > 0, 'no strategy waited', id);
      // Every other wait has a cause in the log, once it is known what the task competes for.
      must(kind !== 'scheduling' || attempts.length === 0, 'no wait is without a cause', id);
    }
  }
  const { total, ...states } = counts;
  must(Object.values(states).reduce((a, b) => a + b) === total, 'each task is counted once');
  for (const { running, ready } of concurrency) must(running >= 0 && ready >= 0, 'no debts');
  must(areaOf(concurrency, makespanMs) === inFlightMs, 'attempts in flight are spans of tasks');
  JSON.stringify(run);
}

/** Stretches that begin where the one before ends. */
function checkChain(
  stretches: readonly { readonly startMs: number; readonly endMs: number }[],
  startMs: number,
  endMs: number,
  what: string,
): void {
  let at = startMs;
  for (const stretch of stretches) {
    must(stretch.startMs === at, `${what} has no gap and no overlap at ${at}`);
    must(stretch.endMs > at, `${what} moves forward at ${at}`);
    at = stretch.endMs;
  }
  must(at === endMs, `${what} ends at ${at} of ${endMs}`);
}
