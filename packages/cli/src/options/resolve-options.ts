import type { Strategy, TaskRunner } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import type { RunnerFlags, StrategyFlags, WrapperFlags } from './run-flags.js';
import { UsageError } from './usage-error.js';
import { wrapRunner } from './wrap-runner.js';

/** The strategy of the command line, else of the plan file, else `parallel`. */
export async function resolveStrategy(
  flags: StrategyFlags,
  fromFile: StrategySpec | undefined,
): Promise<Strategy> {
  const name = flags.strategy ?? fromFile?.name ?? 'parallel';
  const { maxParallel } = flags;
  if (name === 'sequential') {
    if (maxParallel !== undefined && maxParallel !== 1) {
      const remedy = 'remove it, or use --strategy parallel or adaptive';
      throw new UsageError(
        `--max-parallel ${maxParallel} has no effect with the sequential strategy: ${remedy}`,
      );
    }
    const { sequential } = await import('@stratagem/sequential');
    return sequential();
  }
  const limit = maxParallel === undefined ? {} : { maxParallel };
  if (name === 'adaptive') {
    const { adaptive } = await import('@stratagem/adaptive');
    const { name: _, ...options } = fromFile?.name === 'adaptive' ? fromFile : { name };
    return adaptive({ ...options, ...limit });
  }
  const { parallel } = await import('@stratagem/parallel');
  const { name: _, ...options } = fromFile?.name === 'parallel' ? fromFile : { name };
  return parallel({ ...options, ...limit });
}

/** The runner of the command line with its wrappers; loads only the packages that it needs. */
export async function resolveRunner(flags: RunnerFlags & WrapperFlags): Promise<TaskRunner> {
  return wrapRunner(await resolveProvider(flags), flags);
}

async function resolveProvider(flags: RunnerFlags): Promise<TaskRunner> {
  if (flags.replay !== undefined) return resolveReplay(flags.replay, flags);
  const { runner = 'simulated', model, baseUrl, latency } = flags;
  if (runner === 'simulated') {
    if (model !== undefined) throw noEffect('--model', '--runner simulated');
    if (baseUrl !== undefined) throw noEffect('--base-url', '--runner simulated');
    const { simulated } = await import('@stratagem/simulated');
    return simulated(latency === undefined ? {} : { latencyMs: latency });
  }
  if (latency !== undefined) throw noEffect('--latency', `--runner ${runner}`);
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

async function resolveReplay(file: string, flags: RunnerFlags): Promise<TaskRunner> {
  const options = {
    runner: '--runner',
    model: '--model',
    baseUrl: '--base-url',
    latency: '--latency',
  } as const;
  for (const name of Object.keys(options) as (keyof typeof options)[]) {
    if (flags[name] !== undefined) throw noEffect(options[name], '--replay');
  }
  const { replay } = await import('@stratagem/runners');
  return replay({ file });
}

function noEffect(option: string, beside: string): UsageError {
  return new UsageError(`${option} has no effect with ${beside}: remove it`);
}
