import type { PlanResult, Strategy } from '@stratagem/core';
import {
  type LimitChange,
  type ServerModel,
  type Stats,
  simulateOn,
  summarize,
  type Workload,
} from '@stratagem/simulation';
import { informed } from './informed.js';
import { RETRY, type ServerCase, TIMEOUT_MS } from './matrix.js';
import { FIXED, fixed, INFORMED, type StrategyCase, warm } from './strategies.js';

/** One workload on one server with one seed, and its run under each strategy. */
export interface Cell {
  readonly workload: Workload;
  readonly server: ServerCase;
  readonly seed: number;
  /** When the server's limit changes; undefined when it does not. */
  readonly changeAtMs: number | undefined;
  /** The makespan of the best fixed setting. */
  readonly bestMs: number;
  readonly bestFixed: number;
  readonly runs: ReadonlyMap<string, CellRun>;
}

export interface CellRun extends Stats {
  /** The makespan relative to the best fixed setting. */
  readonly regret: number;
}

/** The offset of the seed of an earlier run, so that its latencies differ. */
const EARLIER = 1_000;

/** A run that takes this many times the best makespan is stopped: it might never end. */
export const HOPELESS = 20;

export interface PlayOptions {
  /** When the run is stopped. */
  readonly deadlineMs?: number;
  /** See `StrategyCase`. */
  readonly tokensPerChunk?: number | undefined;
}

export function play(
  { plan, demandOf }: Workload,
  server: ServerModel,
  seed: number,
  strategy: Strategy,
  { deadlineMs = Number.POSITIVE_INFINITY, tokensPerChunk }: PlayOptions = {},
): PlanResult {
  return simulateOn(plan, {
    ...{ server, seed, strategy, demandOf, deadlineMs },
    ...(tokensPerChunk !== undefined && { tokensPerChunk }),
    retry: RETRY,
    timeoutMs: TIMEOUT_MS,
  });
}

/** The figures of a run. A run that did not complete has an infinite makespan. */
function measure(...args: Parameters<typeof play>): Stats {
  const result = play(...args);
  const figures = summarize(result);
  if (result.status === 'completed') return figures;
  if (result.error?.code !== 'deadline_exceeded') throw result.error;
  return { ...figures, makespanMs: Number.POSITIVE_INFINITY };
}

interface Setting {
  readonly maxParallel: number;
  readonly figures: Stats;
}

/** The runs of the fixed settings, best first. */
function fixedSettings(workload: Workload, server: ServerModel, seed: number): Setting[] {
  const settings: Setting[] = [];
  let bestMs = Number.POSITIVE_INFINITY;
  for (const maxParallel of FIXED) {
    const strategy = fixed(maxParallel).create();
    const figures = measure(workload, server, seed, strategy, {
      deadlineMs: HOPELESS * bestMs,
    });
    bestMs = Math.min(bestMs, figures.makespanMs);
    settings.push({ maxParallel, figures });
  }
  return settings.sort((a, b) => a.figures.makespanMs - b.figures.makespanMs);
}

/** The limit changes halfway through the makespan of the best fixed setting without a change. */
function changesOf(workload: Workload, server: ServerCase, seed: number): LimitChange[] {
  if (server.factor === 1) return [];
  const [best] = fixedSettings(workload, server.model([]), seed);
  return [{ atMs: (best as Setting).figures.makespanMs / 2, factor: server.factor }];
}

/** Runs the strategies in a cell. */
export function runCell(
  workload: Workload,
  server: ServerCase,
  seed: number,
  strategies: readonly StrategyCase[],
): Cell {
  const changes = changesOf(workload, server, seed);
  const model = server.model(changes);
  const settings = fixedSettings(workload, model, seed);
  const best = settings[0] as Setting;
  const bestMs = best.figures.makespanMs;
  const runs = new Map<string, CellRun>();
  const note = (name: string, figures: Stats) =>
    runs.set(name, { ...figures, regret: figures.makespanMs / bestMs });
  for (const { maxParallel, figures } of settings) note(fixed(maxParallel).name, figures);
  const deadlineMs = HOPELESS * bestMs;
  note(INFORMED, measure(workload, model, seed, informed(best.maxParallel), { deadlineMs }));
  for (const { name, create, createWarm, tokensPerChunk } of strategies) {
    if (runs.has(name)) continue;
    const options = { deadlineMs, tokensPerChunk };
    note(name, measure(workload, model, seed, create(), options));
    if (createWarm === undefined) continue;
    const earlier = create();
    play(workload, server.model([]), seed + EARLIER, earlier, options);
    note(warm(name), measure(workload, model, seed, createWarm(earlier), options));
  }
  return {
    ...{ workload, server, seed, bestMs, runs },
    bestFixed: best.maxParallel,
    changeAtMs: changes[0]?.atMs,
  };
}
