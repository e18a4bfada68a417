import type { RunEvent } from '@stratagem/core';
import type { Workload } from '@stratagem/simulation';
import { HOPELESS, play } from './cell.js';
import type { ServerCase } from './matrix.js';
import { FIXED, fixed, type StrategyCase } from './strategies.js';

/** The time a strategy needs to return to the best throughput after a change of limit. */
export interface Readaptation {
  /** Tasks completed until then. */
  readonly completions: number;
  /** Virtual milliseconds until then. */
  readonly afterMs: number;
  /** Whether it meets our goal: 20 completions or 10 seconds. */
  readonly prompt: boolean;
}

/** A strategy is back after this many consecutive completions at this share of the best throughput. */
const WINDOW = 50;
const SHARE = 0.9;
const MOST_COMPLETIONS = 20;
const MOST_MS = 10_000;
/** Late enough for every strategy to settle, and early enough to leave work. */
const CHANGE_AT_MS = 40_000;

/**
 * When a strategy is back at 90 % of the throughput of the best fixed setting under the new limit;
 * Infinity when it never is.
 */
export function readaptation(
  workload: Workload,
  server: ServerCase,
  seed: number,
  { create, tokensPerChunk }: StrategyCase,
): Readaptation {
  const { rate, makespanMs } = best(workload, server, seed);
  const changed = server.model([{ atMs: CHANGE_AT_MS, factor: server.factor }]);
  const options = { deadlineMs: CHANGE_AT_MS + HOPELESS * makespanMs, tokensPerChunk };
  const ends = completions(play(workload, changed, seed, create(), options).timeline);
  const after = ends.filter((at) => at >= CHANGE_AT_MS);
  for (let index = 0; index + WINDOW < after.length; index++) {
    const from = after[index] as number;
    const to = after[index + WINDOW] as number;
    if (WINDOW / (to - from) < SHARE * rate) continue;
    const afterMs = from - CHANGE_AT_MS;
    const prompt = index <= MOST_COMPLETIONS || afterMs <= MOST_MS;
    return { completions: index, afterMs, prompt };
  }
  const never = Number.POSITIVE_INFINITY;
  return { completions: never, afterMs: never, prompt: false };
}

/** The best fixed setting under the new limit: completions per millisecond in the middle of the run. */
function best(workload: Workload, { model, factor }: ServerCase, seed: number) {
  // Practically from the start.
  const server = model([{ atMs: 1e-3, factor }]);
  let rate = 0;
  let makespanMs = Number.POSITIVE_INFINITY;
  for (const maxParallel of FIXED) {
    const strategy = fixed(maxParallel).create();
    const result = play(workload, server, seed, strategy, {
      deadlineMs: HOPELESS * makespanMs,
    });
    if (result.status !== 'completed') continue;
    makespanMs = Math.min(makespanMs, result.metrics.executionTimeMs);
    const ends = completions(result.timeline);
    const first = ends[Math.floor(ends.length / 4)] as number;
    const last = ends[Math.floor((3 * ends.length) / 4)] as number;
    rate = Math.max(rate, ends.length / 2 / (last - first));
  }
  return { rate, makespanMs };
}

function completions(timeline: readonly RunEvent[]): number[] {
  return timeline.filter(({ type }) => type === 'task_completed').map(({ timestamp }) => timestamp);
}
