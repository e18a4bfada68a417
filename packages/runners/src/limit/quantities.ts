import type { Usage } from '@stratagem/core';

/** What servers count, each within a limit of its own; the names are those of `RateLimits`. */
export const QUANTITIES = ['requests', 'tokens', 'inputTokens', 'outputTokens'] as const;

export type Quantity = (typeof QUANTITIES)[number];

/** How much of each. */
export type Amounts = Readonly<Record<Quantity, number>>;

export const NOTHING: Amounts = { requests: 0, tokens: 0, inputTokens: 0, outputTokens: 0 };

/** What an answer says. Where input is counted apart, what came out of a cache is free. */
export function amountsUsed({ inputTokens, outputTokens, cachedInputTokens = 0 }: Usage): Amounts {
  return {
    requests: 1,
    tokens: inputTokens + outputTokens,
    inputTokens: Math.max(0, inputTokens - cachedInputTokens),
    outputTokens,
  };
}

/** The sum of both; with a sign of -1, the difference. */
export function plus(a: Amounts, b: Amounts, sign: 1 | -1 = 1): Amounts {
  return byQuantity((quantity) => a[quantity] + sign * b[quantity]);
}

export function byQuantity<T>(give: (quantity: Quantity) => T): Readonly<Record<Quantity, T>> {
  return {
    requests: give('requests'),
    tokens: give('tokens'),
    inputTokens: give('inputTokens'),
    outputTokens: give('outputTokens'),
  };
}
