import type { ListPrice } from './list-prices.js';

/** The price of a request whose input is longer than this. */
interface LongPromptPrice {
  readonly aboveInputTokens: number;
  readonly price: ListPrice;
}

const GOOGLE_LONG = 200_000;
const ANTHROPIC_LONG: LongPromptPrice = {
  aboveInputTokens: 200_000,
  price: [6, 22.5, 0.6, 7.5],
};

/** Models that cost more for a long prompt, by provider and name. The whole request has this price. */
export const LONG_PROMPT_PRICES: Readonly<
  Record<string, Readonly<Record<string, LongPromptPrice>>>
> = {
  openai: {
    'gpt-5.4': { aboveInputTokens: 272_000, price: [5, 22.5, 0.5] },
    'gpt-5.5': { aboveInputTokens: 272_000, price: [10, 45, 1] },
  },
  anthropic: {
    'claude-sonnet-4': ANTHROPIC_LONG,
    'claude-sonnet-4-0': ANTHROPIC_LONG,
    'claude-sonnet-4-5': ANTHROPIC_LONG,
  },
  google: {
    'gemini-2.5-pro': { aboveInputTokens: GOOGLE_LONG, price: [2.5, 15, 0.25] },
    'gemini-3-pro-preview': { aboveInputTokens: GOOGLE_LONG, price: [4, 18, 0.4] },
    'gemini-3.1-pro-preview': { aboveInputTokens: GOOGLE_LONG, price: [4, 18, 0.4] },
  },
};

/** The price of one search by the provider, in US dollars. */
export const SEARCH_PRICES: Readonly<Record<string, number>> = { openai: 0.01, anthropic: 0.01 };

/**
 * The factors of tiers of service, by provider. Where the factor depends on the model, it is the highest
 * one. A tier that is not listed costs as much as usual.
 */
export const LIST_TIERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  openai: { flex: 0.5, priority: 2.5 },
};
