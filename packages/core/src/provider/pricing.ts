import { RunnerError } from '../contract/errors.js';
import { costOf, type Price, priceOf } from '../contract/price.js';
import type { RunnerPricing, TaskOutput } from '../contract/runner.js';
import type { Turn } from './conversation.js';
import { LIST_PRICES, LIST_PRICES_DATE } from './list-prices.js';
import {
  HOUR_CACHE_WRITE,
  LIST_TIERS,
  LONG_PROMPT_PRICES,
  SEARCH_PRICES,
} from './special-prices.js';

/** Where a model is asked. */
export interface PricedModel {
  /** The provider that the runner is for, by its name in the AI SDK. */
  readonly provider: string;
  readonly model: string;
  /** The address of the API; undefined for the provider's own. */
  readonly baseURL?: string | undefined;
  /**
   * The part of the list price that is charged.
   * @default 1
   */
  readonly share?: number | undefined;
  /**
   * Whether the server states the cost with each answer.
   * @default known servers that do
   */
  readonly isStated?: boolean | undefined;
}

/** How a runner knows the cost of its answers. */
export interface Pricing {
  /** The `pricing` of the runner. */
  readonly known: RunnerPricing;
  /** Adds the cost of the usage, unless the server stated it or the price is unknown. */
  withCost<T extends Priced>(details: T): T & Pick<TaskOutput, 'costUsd'>;
}

type Priced = Pick<Turn, 'usage' | 'costUsd' | 'model' | 'serviceTier' | 'hourCacheWriteTokens'>;

/** Providers whose servers speak the protocol of another one. */
const PROVIDERS_BY_HOST: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)(openai|(openai|cognitiveservices|services\.ai)\.azure)\.com$/, 'openai'],
  [/(^|\.)anthropic\.com$/, 'anthropic'],
  [/(^|\.)googleapis\.com$/, 'google'],
  [/(^|\.)deepseek\.com$/, 'deepseek'],
  [/(^|\.)x\.ai$/, 'xai'],
  [/(^|\.)mistral\.ai$/, 'mistral'],
  [/(^|\.)groq\.com$/, 'groq'],
  [/(^|\.)moonshot\.(ai|cn)$/, 'moonshotai'],
  [/(^|\.)cohere\.(ai|com)$/, 'cohere'],
  [/(^|\.)cerebras\.ai$/, 'cerebras'],
];

/** Servers that state the cost with each answer. */
const STATES_COST = /(^|\.)(openrouter\.ai|perplexity\.ai|deepinfra\.com|x\.ai)$/;

/**
 * How a runner knows the cost of its answers: from the server, or else from the list prices of the
 * provider. A server at an unknown address counts as a gateway to the provider.
 */
export function pricingOf(asked: PricedModel): Pricing {
  const { provider, model, baseURL, share = 1 } = asked;
  const host = baseURL === undefined ? '' : new URL(baseURL).hostname;
  const [, owner = provider] = PROVIDERS_BY_HOST.find(([pattern]) => pattern.test(host)) ?? [];
  const isPriced = listPriceOf(owner, model) !== undefined;
  const { isStated = STATES_COST.test(host) } = asked;
  return {
    known: {
      ...(isPriced && { asOf: LIST_PRICES_DATE }),
      ...(!isPriced && !isStated && { unknownModels: [model] }),
      isKnown: (other) => isStated || listPriceOf(owner, other) !== undefined,
    },
    withCost(details) {
      const { usage, costUsd, model: answered = model, serviceTier = '' } = details;
      const { hourCacheWriteTokens = 0 } = details;
      if (usage === undefined || costUsd !== undefined) return details;
      const { inputTokens, searches = 0 } = usage;
      const listed =
        listPriceOf(owner, answered, inputTokens) ?? listPriceOf(owner, model, inputTokens);
      if (listed === undefined) return details;
      const { perSearch = 0, ...price } = listed;
      const { inputPerMillion, cacheWriteInputPerMillion = inputPerMillion } = price;
      const hourPerMillion = HOUR_CACHE_WRITE * inputPerMillion - cacheWriteInputPerMillion;
      const tokens =
        (costOf(usage, answered, { [answered]: price }) as number) +
        (hourCacheWriteTokens * hourPerMillion) / 1_000_000;
      const tier = tierFactor(owner, serviceTier, answered);
      return { ...details, costUsd: tokens * share * tier + searches * perSearch };
    },
  };
}

/** Runs a request, and adds the cost to its output or to its error. */
export async function withPricing(
  pricing: Pricing,
  request: () => Promise<TaskOutput>,
): Promise<TaskOutput> {
  try {
    return pricing.withCost(await request());
  } catch (thrown) {
    if (!(thrown instanceof RunnerError)) throw thrown;
    const { costUsd } = pricing.withCost<Priced>(thrown);
    throw costUsd === undefined ? thrown : Object.assign(thrown, { costUsd });
  }
}

/**
 * The list price of a model; undefined when it is unknown. Gateways name models with their provider:
 * `anthropic/claude-sonnet-5-5`.
 *
 * @param provider The name of the provider in the AI SDK.
 * @param inputTokens Those of one request: some models cost more for a long prompt.
 * @default 0
 */
export function listPriceOf(provider: string, model: string, inputTokens = 0): Price | undefined {
  const own = priceIn(provider, model, inputTokens);
  if (own !== undefined) return own;
  const slash = model.indexOf('/');
  if (slash === -1) return undefined;
  return priceIn(model.slice(0, slash), model.slice(slash + 1), inputTokens);
}

/** What a tier of service costs, as a factor of the list price. */
function tierFactor(provider: string, serviceTier: string, model: string): number {
  const tiers = Object.hasOwn(LIST_TIERS, provider) ? LIST_TIERS[provider] : undefined;
  const tier = tiers !== undefined && Object.hasOwn(tiers, serviceTier) && tiers[serviceTier];
  if (!tier) return 1;
  return priceOf(model, tier.byModel ?? {}) ?? tier.factor;
}

function priceIn(provider: string, model: string, inputTokens: number): Price | undefined {
  const prices = Object.hasOwn(LIST_PRICES, provider) ? LIST_PRICES[provider] : undefined;
  const short = prices && priceOf(model, prices);
  if (short === undefined) return undefined;
  const long = priceOf(model, LONG_PROMPT_PRICES[provider] ?? {});
  const isLong = long !== undefined && inputTokens > long.aboveInputTokens;
  const factor = isLong ? long : { input: 1, output: 1 };
  const perSearch = SEARCH_PRICES[provider];
  const [input, output, cachedInput, cacheWriteInput] = short;
  return {
    inputPerMillion: input * factor.input,
    outputPerMillion: output * factor.output,
    cachedInputPerMillion: cachedInput && cachedInput * factor.input,
    cacheWriteInputPerMillion: cacheWriteInput && cacheWriteInput * factor.input,
    ...(perSearch !== undefined && { perSearch }),
  };
}
