import type { Strategy } from '@stratagem/core';
import type { StrategySpec } from '@stratagem/core/document';
import type { StrategyFlags } from './run-flags.js';
import { UsageError } from './usage-error.js';

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
