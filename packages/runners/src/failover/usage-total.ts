import type { Usage } from '@stratagem/core';
import { addUsage } from '@stratagem/core/provider';

/** What one or more requests used, as far as it is known. */
export interface Spent {
  readonly usage?: Usage;
  readonly costUsd?: number;
}

/**
 * All of it together. The cost is only known when that of all tokens is: a sum that leaves some out
 * would be a figure that is wrong.
 */
export function totalOf(parts: readonly Spent[]): Spent {
  let usage: Usage | undefined;
  let costUsd: number | undefined;
  let isCostKnown = true;
  for (const part of parts) {
    const used = isUsage(part.usage) ? part.usage : undefined;
    usage = addUsage(usage, used);
    if (Number.isFinite(part.costUsd)) costUsd = (costUsd ?? 0) + (part.costUsd as number);
    else if (used !== undefined) isCostKnown = false;
  }
  return {
    ...(usage !== undefined && { usage }),
    ...(isCostKnown && costUsd !== undefined && { costUsd }),
  };
}

/** What runners report may be anything. */
function isUsage(usage: Usage | undefined): usage is Usage {
  return Number.isFinite(usage?.inputTokens) && Number.isFinite(usage?.outputTokens);
}
