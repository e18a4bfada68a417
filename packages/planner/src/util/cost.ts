import type { Metrics, Usage } from '@stratagem/core';

/** Tokens and US dollars, in the form that metrics have; `costUsd` is null when it is unknown. */
export type Cost = Pick<Metrics, 'usage' | 'costUsd'>;

export const NO_COST: Cost = {
  usage: {
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningTokens: 0,
  },
  costUsd: 0,
};

/** An unknown cost makes the sum unknown. */
export function addCosts(first: Cost, second: Cost): Cost {
  const names = Object.keys({ ...first.usage, ...second.usage }) as (keyof Usage)[];
  const usage = Object.fromEntries(
    names.map((name) => [name, (first.usage[name] ?? 0) + (second.usage[name] ?? 0)]),
  ) as unknown as Cost['usage'];
  const isKnown = first.costUsd !== null && second.costUsd !== null;
  return {
    usage,
    costUsd: isKnown ? (first.costUsd as number) + (second.costUsd as number) : null,
  };
}
