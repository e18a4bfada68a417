import type { Metrics, Usage } from '@stratagem/core';

/** What work used, as metrics have it. */
export type Bill = Pick<Metrics, 'usage' | 'costUsd'>;

export const NOTHING_SPENT: Bill = {
  usage: {
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningTokens: 0,
  },
  costUsd: 0,
};

/** Both together; a cost that is unknown makes the sum unknown. */
export function sumOf(first: Bill, second: Bill): Bill {
  const names = Object.keys(first.usage) as (keyof Usage)[];
  const usage = Object.fromEntries(
    names.map((name) => [name, first.usage[name] + second.usage[name]]),
  ) as unknown as Required<Usage>;
  const isKnown = first.costUsd !== null && second.costUsd !== null;
  return {
    usage,
    costUsd: isKnown ? (first.costUsd as number) + (second.costUsd as number) : null,
  };
}
