import type { PlanResult, Strategy } from '@stratagem/core';
import {
  type LimitChange,
  type ServerModel,
  type Stats,
  simulateOn,
  summarize,
  type Workload,
} from '@stratagem/simulation';
import { type Contender, FIXED, fixed, INFORMED, warm } from './contenders.js';
import { informed } from './informed.js';
import { RETRY, type ServerCase, TIMEOUT_MS } from './matrix.js';

/** One workload on one server with one seed, and what became of it under each contender. */
export interface Cell {
  readonly workload: Workload;
  readonly server: ServerCase;
  readonly seed: number;
  /** When the server's limit changes; undefined when it does not. */
  readonly changeAtMs: number | undefined;
  /** Of the best fixed setting. */
  readonly bestMs: number;
  readonly bestFixed: number;
  readonly runs: ReadonlyMap<string, Run>;
}

export interface Run extends Stats {
  /** Its makespan over that of the best fixed setting. */
  readonly regret: number;
}

/** How far the seed of an earlier run is away: its latencies are others. */
const EARLIER = 1_000;

/** A run that takes so many times what another one took is stopped: it may well never end. */
export const HOPELESS = 20;

export interface PlayOptions {
  /** When the run is stopped. */
  readonly deadlineMs?: number;
  /** See `Contender`. */
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

/** The figures of a run; one that did not complete has no makespan. */
function measure(...args: Parameters<typeof play>): Stats {
  const result = play(...args);
  const figures = summarize(result);
  if (result.status === 'completed') return figures;
  if (result.error?.code !== 'plan_timeout') throw result.error;
  return { ...figures, makespanMs: Number.POSITIVE_INFINITY };
}

interface Setting {
  readonly maxParallel: number;
  readonly figures: Stats;
}

/** What the fixed settings take, the best first. */
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

/** When the limit changes: half-way through what the best fixed setting takes without a change. */
function changesOf(workload: Workload, server: ServerCase, seed: number): LimitChange[] {
  if (server.factor === 1) return [];
  const [best] = fixedSettings(workload, server.model([]), seed);
  return [{ atMs: (best as Setting).figures.makespanMs / 2, factor: server.factor }];
}

/** Runs the contenders in a cell. */
export function runCell(
  workload: Workload,
  server: ServerCase,
  seed: number,
  contenders: readonly Contender[],
): Cell {
  const changes = changesOf(workload, server, seed);
  const model = server.model(changes);
  const settings = fixedSettings(workload, model, seed);
  const best = settings[0] as Setting;
  const bestMs = best.figures.makespanMs;
  const runs = new Map<string, Run>();
  const note = (name: string, figures: Stats) =>
    runs.set(name, { ...figures, regret: figures.makespanMs / bestMs });
  for (const { maxParallel, figures } of settings) note(fixed(maxParallel).name, figures);
  const deadlineMs = HOPELESS * bestMs;
  note(INFORMED, measure(workload, model, seed, informed(best.maxParallel), { deadlineMs }));
  for (const { name, create, createWarm, tokensPerChunk } of contenders) {
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
