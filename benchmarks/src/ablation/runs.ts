import { summarize } from '@stratagem/simulation';
import { HOPELESS, play, runCell } from '../regret/cell.js';
import { STRATEGIES } from '../regret/strategies.js';
import type { AblationCell } from './matrix.js';

/** A cell with its best fixed setting. */
export interface Baseline extends AblationCell {
  readonly bestMs: number;
  readonly changeAtMs: number | undefined;
}

/** A run of `adaptive` in a cell: with streamed or whole answers, cold or warm. */
export interface AblatedRun {
  readonly isNew: boolean;
  /** The makespan relative to the best fixed setting. */
  readonly regret: number;
  readonly wastedShare: number;
}

/** The offset of the seed of an earlier run. */
const EARLIER = 1_000;

export function baselineOf(cell: AblationCell, seed: number): Baseline {
  const { bestMs, changeAtMs } = runCell(cell.workload, cell.server, seed, []);
  return { ...cell, bestMs, changeAtMs };
}

export function runAll(baselines: readonly Baseline[], seed: number): AblatedRun[] {
  return baselines.flatMap((baseline) => runsOf(baseline, seed));
}

function runsOf({ workload, server, isNew, bestMs, changeAtMs }: Baseline, seed: number) {
  const changes = changeAtMs === undefined ? [] : [{ atMs: changeAtMs, factor: server.factor }];
  const runs: AblatedRun[] = [];
  for (const { create, createWarm, tokensPerChunk } of STRATEGIES) {
    if (createWarm === undefined) continue;
    const options = { deadlineMs: HOPELESS * bestMs, tokensPerChunk };
    const earlier = create();
    play(workload, server.model([]), seed + EARLIER, earlier, options);
    for (const strategy of [create(), createWarm(earlier)]) {
      const result = play(workload, server.model(changes), seed, strategy, options);
      const { makespanMs, wastedShare } = summarize(result);
      const regret = result.status === 'completed' ? makespanMs / bestMs : HOPELESS;
      runs.push({ isNew, regret, wastedShare });
    }
  }
  return runs;
}
