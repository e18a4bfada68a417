import type { Anthropic } from '@anthropic-ai/sdk';
import { checkFlag, OptionError } from '@stratagem/core';
import { checkClient, checkModelOptions } from '@stratagem/core/provider';

export const DEFAULT_MODEL = 'claude-sonnet-5-5';
/** The API wants a limit. Enough for long answers with reasoning, and within reach of any model. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 32_000;

const STRUCTURED_OUTPUTS = ['json_schema', 'tool', 'prompt'] as const;

export interface AnthropicOptions {
  /**
   * The model that answers.
   * @default 'claude-sonnet-5-5'
   */
  readonly model?: string;
  /**
   * The API key. Never part of an event, an error or a report.
   * @default the environment variable ANTHROPIC_API_KEY, or what else the SDK finds
   */
  readonly apiKey?: string;
  /**
   * Where the API is served, without its version: `http://127.0.0.1:4000`.
   * @default the environment variable ANTHROPIC_BASE_URL, or Anthropic's own
   */
  readonly baseURL?: string;
  /**
   * How an answer is held to a task's schema: by the API's structured output (`'json_schema'`), by
   * a tool that the model has to call with it (`'tool'`, for older models and gateways), or by the
   * words of the prompt (`'prompt'`). Schemas with records or other objects whose fields are not
   * named go through the tool in any case. An answer that does not fit is sent back once with what
   * is wrong with it.
   * @default 'json_schema'
   */
  readonly structuredOutput?: (typeof STRUCTURED_OUTPUTS)[number];
  /** What the model is told ahead of every task: its role, its tone, the rules. */
  readonly instructions?: string;
  /**
   * Keep prompts in Anthropic's prompt cache for five minutes: writing into it costs a quarter
   * more, reading from it a tenth. Worth it for prompts that share a long beginning.
   * @default false
   */
  readonly cachePrompts?: boolean;
  /**
   * The most tokens one answer may have, those of hidden reasoning included. A longer answer is
   * cut off, and the attempt fails as `truncated`.
   * @default 32_000
   */
  readonly maxOutputTokens?: number;
  /**
   * The most requests one attempt may take when the model calls tools; at the limit it fails as
   * `step_limit`.
   * @default 20
   */
  readonly maxSteps?: number;
  /**
   * The longest one attempt may take, to the end of its answer, in milliseconds.
   * @default that of the client, 600_000
   */
  readonly timeoutMs?: number;
  /**
   * A client of your own, for what the options above do not say: a proxy, headers, other ways to
   * sign in. It brings its own key and base URL; its retries are turned off.
   */
  readonly client?: Anthropic;
}

export const ANTHROPIC_OPTIONS = [
  'model',
  'apiKey',
  'baseURL',
  'structuredOutput',
  'instructions',
  'cachePrompts',
  'maxOutputTokens',
  'maxSteps',
  'timeoutMs',
  'client',
];

/** @throws {OptionError} when an option is out of range. */
export function checkAnthropicOptions(options: AnthropicOptions, owner: string): void {
  const { structuredOutput, cachePrompts, client } = options;
  checkModelOptions(owner, options);
  if (structuredOutput !== undefined && !STRUCTURED_OUTPUTS.includes(structuredOutput)) {
    throw new OptionError(
      `${owner}: structuredOutput must be 'json_schema', 'tool' or 'prompt'; ` +
        `it is ${String(structuredOutput)}`,
    );
  }
  if (cachePrompts !== undefined) checkFlag(owner, 'cachePrompts', cachePrompts);
  checkClient(owner, client, '@anthropic-ai/sdk', options);
}

/** What decides on an answer besides the request. */
export function settingsOf(options: AnthropicOptions): Record<string, unknown> {
  const { model = DEFAULT_MODEL, structuredOutput, instructions, maxSteps } = options;
  const { maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS } = options;
  const settings = { model, structuredOutput, instructions, maxOutputTokens, maxSteps };
  return withoutUndefined({ ...settings, baseURL: placeOf(options) });
}

/**
 * Where it asks, without what may be secret in it; undefined for the SDK's own place. The same name
 * may be another model elsewhere.
 */
function placeOf({ client, baseURL }: AnthropicOptions): string | undefined {
  const url = client?.baseURL ?? baseURL ?? process.env.ANTHROPIC_BASE_URL?.trim();
  // One of the environment that is none is an error of the first request.
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function withoutUndefined(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
