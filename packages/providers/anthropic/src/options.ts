import type { Anthropic } from '@anthropic-ai/sdk';
import { checkDuration, checkOptions, OptionError } from '@stratagem/core';

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
  /** What the model is told ahead of every task: its role, its tone, the rules. */
  readonly instructions?: string;
  /**
   * The most tokens one answer may have, those of hidden reasoning included. A longer answer is
   * cut off, and the attempt fails as `truncated`.
   * @default 32_000
   */
  readonly maxOutputTokens?: number;
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

const OPTIONS = [
  'model',
  'apiKey',
  'baseURL',
  'instructions',
  'maxOutputTokens',
  'timeoutMs',
  'client',
];

/** @throws {OptionError} when an option is unknown or out of range. */
export function checkAnthropicOptions(options: AnthropicOptions): void {
  checkOptions('anthropic()', options, OPTIONS);
  const { maxOutputTokens, timeoutMs, client } = options;
  for (const name of ['model', 'apiKey', 'baseURL', 'instructions'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value.trim() === '')) {
      // What was given is not shown: it may be a key that ended up in the wrong place.
      throw new OptionError(`anthropic(): ${name} must be a string that is not empty`);
    }
  }
  if (options.baseURL !== undefined && !isHttpUrl(options.baseURL)) {
    throw new OptionError(
      'anthropic(): baseURL must be a URL that begins with http:// or https://',
    );
  }
  if (
    maxOutputTokens !== undefined &&
    !(Number.isInteger(maxOutputTokens) && maxOutputTokens > 0)
  ) {
    throw new OptionError(
      `anthropic(): maxOutputTokens must be a whole number of at least 1; it is ${String(maxOutputTokens)}`,
    );
  }
  if (timeoutMs !== undefined) checkDuration('anthropic()', 'timeoutMs', timeoutMs);
  if (client === undefined) return;
  // Its classes tell what its errors are.
  if (typeof (client?.constructor as typeof Anthropic | undefined)?.APIError !== 'function') {
    throw new OptionError('anthropic(): client must be a client of the @anthropic-ai/sdk package');
  }
  for (const name of ['apiKey', 'baseURL'] as const) {
    if (options[name] !== undefined) {
      throw new OptionError(`anthropic(): give ${name} to the client, or leave out client`);
    }
  }
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
