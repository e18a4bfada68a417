import type { Usage } from '@stratagem/core';
import { addUsage } from '@stratagem/core/runner';

/** The usage of one or more requests, as far as it is known. */
export interface UsageTotal {
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
}

/**
 * Adds up several usages. The cost is known only when every part that used tokens has one, because
 * a partial sum would be wrong.
 */
export function totalUsage(parts: readonly UsageTotal[]): UsageTotal {
  let usage: Usage | undefined;
  let costUsd: number | undefined;
  let isCostKnown = true;
  for (const part of parts) {
    const partUsage = isUsage(part.usage) ? part.usage : undefined;
    usage = addUsage(usage, partUsage);
    if (Number.isFinite(part.costUsd)) costUsd = (costUsd ?? 0) + (part.costUsd as number);
    else if (partUsage !== undefined) isCostKnown = false;
  }
  return {
    ...(usage !== undefined && { usage }),
    ...(isCostKnown && costUsd !== undefined && { costUsd }),
  };
}

/** Custom runners may report anything. */
function isUsage(usage: Usage | undefined): usage is Usage {
  return Number.isFinite(usage?.inputTokens) && Number.isFinite(usage?.outputTokens);
}
