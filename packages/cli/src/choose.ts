import type { Strategy, TaskRunner } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { UsageError } from './exit-code.js';

export const STRATEGIES = ['sequential', 'parallel'] as const;
export const RUNNERS = ['simulated', 'openai', 'anthropic'] as const;

export interface StrategyFlags {
  readonly strategy?: (typeof STRATEGIES)[number];
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
  const options = fromFile?.name === 'parallel' ? fromFile : {};
  const { levelBarrier } = options as { levelBarrier?: boolean };
  const cap = maxParallel ?? (options as { maxParallel?: number }).maxParallel;
  return parallel({
    ...(levelBarrier !== undefined && { levelBarrier }),
    ...(cap !== undefined && { maxParallel: cap }),
  });
}

export interface RunnerFlags {
  readonly runner: (typeof RUNNERS)[number];
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
