import type { Strategy, TaskRunner } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import type { RunnerName, StrategyName } from './choices.js';
import { UsageError } from './exit-code.js';

export interface StrategyFlags {
  readonly strategy?: StrategyName;
  readonly maxParallel?: number;
}

/** The strategy of the command line, else of the file, else `parallel`. */
export async function chooseStrategy(
  flags: StrategyFlags,
  fromFile: StrategySpec | undefined,
): Promise<Strategy> {
  const name = flags.strategy ?? fromFile?.name ?? 'parallel';
  const { maxParallel } = flags;
  if (name === 'sequential') {
    if (maxParallel !== undefined && maxParallel !== 1) {
      const remedy = 'leave it out, or take --strategy parallel';
      throw new UsageError(`--max-parallel ${maxParallel} means nothing to sequential: ${remedy}`);
    }
    const { sequential } = await import('@stratagem/sequential');
    return sequential();
  }
  const { parallel } = await import('@stratagem/parallel');
  const { name: _, ...options } = fromFile?.name === 'parallel' ? fromFile : { name };
  return parallel({ ...options, ...(maxParallel !== undefined && { maxParallel }) });
}

export interface RunnerFlags {
  readonly runner: RunnerName;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly latency?: number;
}

/** The runner of the command line; its package is loaded only now. */
export async function chooseRunner(flags: RunnerFlags): Promise<TaskRunner> {
  const { runner, model, baseUrl, latency } = flags;
  if (runner === 'simulated') {
    if (model !== undefined) throw notFor('--model', 'simulated');
    if (baseUrl !== undefined) throw notFor('--base-url', 'simulated');
    const { simulated } = await import('@stratagem/simulated');
    return simulated(latency === undefined ? {} : { latencyMs: latency });
  }
  if (latency !== undefined) throw notFor('--latency', runner);
  const options = {
    ...(model !== undefined && { model }),
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
  };
  if (runner === 'openai') {
    const { openai } = await import('@stratagem/openai');
    return openai(options);
  }
  const { anthropic } = await import('@stratagem/anthropic');
  return anthropic(options);
}

function notFor(option: string, runner: string): UsageError {
  return new UsageError(`${option} has no effect with --runner ${runner}: leave it out`);
}
