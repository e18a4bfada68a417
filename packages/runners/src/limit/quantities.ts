import type { Usage } from '@stratagem/core';

/** The quantities that servers limit, by their names in `RateLimits`. */
export const QUANTITIES = ['requests', 'tokens', 'inputTokens', 'outputTokens'] as const;

export type Quantity = (typeof QUANTITIES)[number];

/** An amount of each quantity. */
export type Quantities = Readonly<Record<Quantity, number>>;

export const ZERO: Quantities = { requests: 0, tokens: 0, inputTokens: 0, outputTokens: 0 };

/** What a response used. Cached input is free under a separate limit for input tokens. */
export function quantitiesUsed({
  inputTokens,
  outputTokens,
  cachedInputTokens = 0,
}: Usage): Quantities {
  return {
    requests: 1,
    tokens: inputTokens + outputTokens,
    inputTokens: Math.max(0, inputTokens - cachedInputTokens),
    outputTokens,
  };
}

export function add(a: Quantities, b: Quantities): Quantities {
  return byQuantity((quantity) => a[quantity] + b[quantity]);
}

export function subtract(a: Quantities, b: Quantities): Quantities {
  return byQuantity((quantity) => a[quantity] - b[quantity]);
}

/** A record with the value that the function returns for each quantity. */
export function byQuantity<T>(get: (quantity: Quantity) => T): Readonly<Record<Quantity, T>> {
  return {
    requests: get('requests'),
    tokens: get('tokens'),
    inputTokens: get('inputTokens'),
    outputTokens: get('outputTokens'),
  };
}
