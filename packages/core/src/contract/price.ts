import type { Usage } from './usage.js';

/** The price of a model, in US dollars per million tokens. */
export interface Price {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  /**
   * For input tokens from the provider's prompt cache.
   * @default the price of input tokens
   */
  readonly cachedInputPerMillion?: number | undefined;
  /**
   * For input tokens that go into the provider's prompt cache.
   * @default the price of input tokens
   */
  readonly cacheWriteInputPerMillion?: number | undefined;
  /**
   * For one search of the provider, in US dollars.
   * @default nothing
   */
  readonly perSearch?: number | undefined;
}

/** Prices by the name of the model, as the provider reports it. */
export type PriceTable = Readonly<Record<string, Price>>;

/**
 * The cost of tokens in US dollars; undefined for a model that is not in the table. A dated name
 * (`gpt-5-2026-04-01`) without a price of its own has the price of the name without the date.
 *
 * @example
 * costOf({ inputTokens: 1000, outputTokens: 500 }, 'm', { m: { inputPerMillion: 1, outputPerMillion: 4 } });
 * // 0.003
 */
export function costOf(
  usage: Usage,
  model: string | undefined,
  prices: PriceTable,
): number | undefined {
  const price = model === undefined ? undefined : priceOf(model, prices);
  if (price === undefined) return undefined;
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteInputTokens = 0 } = usage;
  const { inputPerMillion, outputPerMillion, cachedInputPerMillion = inputPerMillion } = price;
  const { cacheWriteInputPerMillion = inputPerMillion, perSearch = 0 } = price;
  const total =
    (inputTokens - cachedInputTokens - cacheWriteInputTokens) * inputPerMillion +
    cachedInputTokens * cachedInputPerMillion +
    cacheWriteInputTokens * cacheWriteInputPerMillion +
    outputTokens * outputPerMillion;
  return total / 1_000_000 + (usage.searches ?? 0) * perSearch;
}

/** `gpt-5-2026-04-01`, `claude-sonnet-5-20260401`: the name of a model with a date. */
const DATE = /-(\d{4}-\d{2}-\d{2}|\d{8})$/;

/** The price of a model by its name, or by its name without the date. */
export function priceOf<T = Price>(
  model: string,
  prices: Readonly<Record<string, T>>,
): T | undefined {
  const name = [model, model.replace(DATE, '')].find((each) => Object.hasOwn(prices, each));
  return name === undefined ? undefined : prices[name];
}
