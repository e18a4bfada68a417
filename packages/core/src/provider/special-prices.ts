/** What a request costs whose input is longer than this, as factors of the list price. */
interface LongPromptPrice {
  readonly aboveInputTokens: number;
  /** Of the input, also from the cache and into it. */
  readonly input: number;
  readonly output: number;
}

const OPENAI: LongPromptPrice = { aboveInputTokens: 272_000, input: 2, output: 1.5 };
const ANTHROPIC: LongPromptPrice = { aboveInputTokens: 200_000, input: 2, output: 1.5 };
/** Published as $0.50 and $2.50 beside $0.10 and $0.50, also in the cache. */
const HAIKU: LongPromptPrice = { aboveInputTokens: 100_000, input: 5, output: 5 };
const GEMINI: LongPromptPrice = { aboveInputTokens: 200_000, input: 2, output: 1.5 };
/** A prompt of exactly 200,000 tokens is a long one here. */
const GROK: LongPromptPrice = { aboveInputTokens: 199_999, input: 2, output: 2 };
const OLD_GROK: LongPromptPrice = { aboveInputTokens: 128_000, input: 2, output: 2 };

/**
 * Models that cost more for a long prompt, by provider and name. The whole request has this price.
 * Collected on 2026-11-30.
 */
export const LONG_PROMPT_PRICES: Readonly<
  Record<string, Readonly<Record<string, LongPromptPrice>>>
> = {
  openai: {
    'gpt-5.4': OPENAI,
    'gpt-5.4-pro': OPENAI,
    'gpt-5.5': OPENAI,
    'gpt-5.5-pro': OPENAI,
    'gpt-5.6': OPENAI,
    'gpt-5.6-luna': OPENAI,
    'gpt-5.6-sol': OPENAI,
    'gpt-5.6-terra': OPENAI,
    'gpt-6-astra': OPENAI,
    'gpt-6-luna': OPENAI,
    'gpt-6-sol': OPENAI,
    'gpt-6.1-sol': OPENAI,
    'gpt-6.2-astra': OPENAI,
    'gpt-6.2-sol': OPENAI,
  },
  anthropic: {
    'claude-haiku-5-5': HAIKU,
    'claude-sonnet-4': ANTHROPIC,
    'claude-sonnet-4-0': ANTHROPIC,
    'claude-sonnet-4-5': ANTHROPIC,
  },
  google: {
    'claude-4-sonnet': ANTHROPIC,
    'claude-sonnet-4': ANTHROPIC,
    'claude-sonnet-4-5': ANTHROPIC,
    'gemini-2.5-pro': GEMINI,
    'gemini-3-pro-preview': GEMINI,
    'gemini-3-pro-text-preview': GEMINI,
    'gemini-3.1-pro-preview': GEMINI,
  },
  xai: {
    'grok-4': OLD_GROK,
    'grok-4-0709': OLD_GROK,
    'grok-4-latest': OLD_GROK,
    'grok-4-fast': OLD_GROK,
    'grok-4-fast-non-reasoning': OLD_GROK,
    'grok-4-fast-non-reasoning-latest': OLD_GROK,
    'grok-4-fast-reasoning': OLD_GROK,
    'grok-4-fast-reasoning-latest': OLD_GROK,
    'grok-4-1-fast': OLD_GROK,
    'grok-4-1-fast-non-reasoning': OLD_GROK,
    'grok-4-1-fast-non-reasoning-latest': OLD_GROK,
    'grok-4-1-fast-reasoning': OLD_GROK,
    'grok-4-1-fast-reasoning-latest': OLD_GROK,
    'grok-4.20': GROK,
    'grok-4.20-multi-agent': GROK,
    'grok-4.3': GROK,
    'grok-4.3-latest': GROK,
    'grok-4.5': GROK,
    'grok-4.5-latest': GROK,
    'grok-4.6': GROK,
    'grok-4.6-latest': GROK,
    'grok-latest': GROK,
  },
};

/** The price of one search by the provider, in US dollars. */
export const SEARCH_PRICES: Readonly<Record<string, number>> = { openai: 0.01, anthropic: 0.01 };

/** What a token costs that Anthropic keeps in the prompt cache for an hour, as a factor of the input price. */
export const HOUR_CACHE_WRITE = 2;

/** The factor of OpenAI's faster tier by model. */
const OPENAI_PRIORITY: Readonly<Record<string, number>> = {
  'gpt-4.1': 1.75,
  'gpt-4.1-mini': 1.75,
  'gpt-4.1-nano': 2,
  'gpt-4o': 1.7,
  'gpt-4o-mini': 5 / 3,
  'gpt-5': 2,
  'gpt-5-codex': 2,
  'gpt-5-mini': 1.8,
  'gpt-5.1': 2,
  'gpt-5.1-chat-latest': 2,
  'gpt-5.1-codex': 2,
  'gpt-5.1-codex-mini': 1.8,
  'gpt-5.2': 2,
  'gpt-5.2-chat-latest': 2,
  'gpt-5.2-codex': 2,
  'gpt-5.3-chat-latest': 2,
  'gpt-5.3-codex': 2,
  'gpt-5.4': 2,
  'gpt-5.4-mini': 2,
  'gpt-5.5': 2.5,
  'gpt-5.6': 2,
  'gpt-5.6-luna': 2,
  'gpt-5.6-sol': 2,
  'gpt-5.6-terra': 2,
  'gpt-6-astra': 2,
  'gpt-6-luna': 2,
  'gpt-6-sol': 2,
  'gpt-6.1-sol': 2,
  'gpt-6.2-astra': 2,
  'gpt-6.2-sol': 2,
  o3: 1.75,
  'o4-mini': 20 / 11,
};

/** The price of a tier of service, as a factor of the list price. */
interface TierPrice {
  /** Of models that `byModel` does not name: the highest one. */
  readonly factor: number;
  readonly byModel?: Readonly<Record<string, number>> | undefined;
}

const PRIORITY: TierPrice = { factor: 2.5, byModel: OPENAI_PRIORITY };

/**
 * The tiers of service by provider. A tier that is not listed costs as much as usual. Collected on 2026-11-30.
 */
export const LIST_TIERS: Readonly<Record<string, Readonly<Record<string, TierPrice>>>> = {
  openai: { flex: { factor: 0.5 }, priority: PRIORITY, fast: PRIORITY },
};
