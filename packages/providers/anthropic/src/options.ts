import type { Anthropic } from '@anthropic-ai/sdk';
import { checkChoice, checkFlag, checkProvider, type SdkOptions } from '@stratagem/core/runner';

/** The API requires a limit. This one leaves room for reasoning, and every model allows it. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 32_000;

const STRUCTURED_OUTPUTS = ['json_schema', 'tool', 'prompt'] as const;

export interface AnthropicOptions
  extends Omit<
    SdkOptions<Anthropic>,
    'temperature' | 'topP' | 'seed' | 'store' | 'promptCacheKey'
  > {
  /**
   * The model that answers.
   * @default 'claude-sonnet-5-5'
   */
  readonly model?: string | undefined;
  /**
   * The API key. Never part of an event, an error or a report.
   * @default the environment variable ANTHROPIC_API_KEY, or other credentials that the SDK finds
   */
  readonly apiKey?: string | undefined;
  /**
   * Base URL of the API, without its version: `http://127.0.0.1:4000`.
   * @default the environment variable ANTHROPIC_BASE_URL, or Anthropic's own
   */
  readonly baseURL?: string | undefined;
  /**
   * How an answer is held to a task's schema. `'json_schema'`: the API's structured output.
   * `'tool'`: the model must call a tool with its answer, for older models and gateways. `'prompt'`:
   * only the prompt describes the schema. Schemas with records or other open objects always use the
   * tool. An answer that does not fit is sent back once, with the reason.
   * @default 'json_schema'
   */
  readonly structuredOutput?: (typeof STRUCTURED_OUTPUTS)[number] | undefined;
  /**
   * Keep prompts in Anthropic's prompt cache, for five minutes unless `promptCacheTtl` says. Writing costs a quarter more, reading
   * a tenth. Pays off for prompts that share a long beginning.
   * @default false
   */
  readonly cachePrompts?: boolean | undefined;
  /**
   * Maximum tokens of one answer, hidden reasoning included. A longer answer is cut off, and the
   * attempt fails as `truncated`.
   * @default 32_000
   */
  readonly maxOutputTokens?: number | undefined;
}

/** A record, so that the compiler finds a missing name. */
const NAMES: Readonly<Record<keyof AnthropicOptions, true>> = {
  model: true,
  apiKey: true,
  baseURL: true,
  structuredOutput: true,
  instructions: true,
  cachePrompts: true,
  stopSequences: true,
  maxOutputTokens: true,
  toolChoice: true,
  serverTools: true,
  headers: true,
  providerOptions: true,
  reasoning: true,
  stream: true,
  serviceTier: true,
  promptCacheTtl: true,
  maxSteps: true,
  toolCallConcurrency: true,
  timeoutMs: true,
  client: true,
};

export const ANTHROPIC_OPTIONS = Object.keys(NAMES);

/** The options that a task may set: the API has no temperature, top_p and seed. */
export const ANTHROPIC_TASK_OPTIONS = [
  'model',
  'instructions',
  'stopSequences',
  'maxOutputTokens',
  'toolChoice',
  'serverTools',
  'headers',
  'reasoning',
  'stream',
  'serviceTier',
  'promptCacheTtl',
] as const satisfies readonly (keyof AnthropicOptions)[];

/** @throws {OptionError} when an option that only this provider has is out of range. */
export function checkAnthropicOptions(owner: string, options: AnthropicOptions): void {
  const { structuredOutput, cachePrompts, providerOptions } = options;
  checkChoice(owner, 'structuredOutput', structuredOutput, STRUCTURED_OUTPUTS);
  if (cachePrompts !== undefined) checkFlag(owner, 'cachePrompts', cachePrompts);
  checkProvider(owner, 'anthropic', providerOptions);
}
