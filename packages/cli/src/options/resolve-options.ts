import type { Strategy, TaskRunner } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import { UsageError } from '../output/exit-code.js';
import type { RunnerName, StrategyName } from './choices.js';

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
      const remedy = 'leave it out, or take --strategy parallel or adaptive';
      throw new UsageError(`--max-parallel ${maxParallel} means nothing to sequential: ${remedy}`);
    }
    const { sequential } = await import('@stratagem/sequential');
    return sequential();
  }
  const cap = maxParallel === undefined ? {} : { maxParallel };
  if (name === 'adaptive') {
    const { adaptive } = await import('@stratagem/adaptive');
    const { name: _, ...options } = fromFile?.name === 'adaptive' ? fromFile : { name };
    return adaptive({ ...options, ...cap });
  }
  const { parallel } = await import('@stratagem/parallel');
  const { name: _, ...options } = fromFile?.name === 'parallel' ? fromFile : { name };
  return parallel({ ...options, ...cap });
}

export interface RunnerFlags {
  /** Left out for the simulated model. */
  readonly runner?: RunnerName;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly latency?: number;
  readonly replay?: string;
}

/** The runner of the command line; its package is loaded only now. */
export async function chooseRunner(flags: RunnerFlags): Promise<TaskRunner> {
  if (flags.replay !== undefined) return replayOf(flags.replay, flags);
  const { runner = 'simulated', model, baseUrl, latency } = flags;
  if (runner === 'simulated') {
    if (model !== undefined) throw notFor('--model', '--runner simulated');
    if (baseUrl !== undefined) throw notFor('--base-url', '--runner simulated');
    const { simulated } = await import('@stratagem/simulated');
    return simulated(latency === undefined ? {} : { latencyMs: latency });
  }
  if (latency !== undefined) throw notFor('--latency', `--runner ${runner}`);
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

/** A recording is a runner of its own. */
async function replayOf(file: string, flags: RunnerFlags): Promise<TaskRunner> {
  const options = {
    runner: '--runner',
    model: '--model',
    baseUrl: '--base-url',
    latency: '--latency',
  };
  for (const [name, option] of Object.entries(options)) {
    if (flags[name as keyof typeof options] !== undefined) throw notFor(option, '--replay');
  }
  const { replay } = await import('@stratagem/runners');
  return replay({ file });
}

function notFor(option: string, beside: string): UsageError {
  return new UsageError(`${option} has no effect with ${beside}: leave it out`);
}
