import { checkDuration, checkOptions, OptionError } from '@stratagem/core';
import type { OpenAI } from 'openai';

export interface OpenAIOptions {
  /**
   * The model that answers.
   * @default 'gpt-6.1-sol'
   */
  readonly model?: string;
  /**
   * The API key. Never part of an event, an error or a report.
   * @default the environment variable OPENAI_API_KEY
   */
  readonly apiKey?: string;
  /**
   * Where the API is served, its version included: `http://127.0.0.1:11434/v1`.
   * @default the environment variable OPENAI_BASE_URL, or OpenAI's own
   */
  readonly baseURL?: string;
  /**
   * Which API to speak: `'responses'` for the Responses API, `'chat'` for Chat Completions, which
   * every OpenAI-compatible server has.
   * @default 'responses' on OpenAI and Azure OpenAI, 'chat' on any other server
   */
  readonly api?: 'responses' | 'chat';
  /** What the model is told ahead of every task: its role, its tone, the rules. */
  readonly instructions?: string;
  /**
   * From 0, always the likeliest words, to 2. Reasoning models do not take it.
   * @default the model's own
   */
  readonly temperature?: number;
  /**
   * The most tokens one answer may have, those of hidden reasoning included. A longer answer is
   * cut off, and the attempt fails as `truncated`.
   * @default the model's own limit
   */
  readonly maxOutputTokens?: number;
  /**
   * The longest one attempt may take, to the end of its answer, in milliseconds.
   * @default that of the client, 600_000
   */
  readonly timeoutMs?: number;
  /**
   * A client of your own, for what the options above do not say: a proxy, headers, Azure. It brings
   * its own key and base URL; its retries are turned off.
   */
  readonly client?: OpenAI;
}

const OPTIONS = [
  'model',
  'apiKey',
  'baseURL',
  'api',
  'instructions',
  'temperature',
  'maxOutputTokens',
  'timeoutMs',
  'client',
];

/** @throws {OptionError} when an option is unknown or out of range. */
export function checkOpenAIOptions(options: OpenAIOptions): void {
  checkOptions('openai()', options, OPTIONS);
  const { api, temperature, maxOutputTokens, timeoutMs, client } = options;
  for (const name of ['model', 'apiKey', 'baseURL', 'instructions'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value.trim() === '')) {
      // What was given is not shown: it may be a key that ended up in the wrong place.
      throw new OptionError(`openai(): ${name} must be a string that is not empty`);
    }
  }
  if (options.baseURL !== undefined && !isHttpUrl(options.baseURL)) {
    throw new OptionError('openai(): baseURL must be a URL that begins with http:// or https://');
  }
  if (api !== undefined && api !== 'responses' && api !== 'chat') {
    throw new OptionError(`openai(): api must be 'responses' or 'chat'; it is ${String(api)}`);
  }
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    throw new OptionError(
      `openai(): temperature must be a number from 0 to 2; it is ${String(temperature)}`,
    );
  }
  if (
    maxOutputTokens !== undefined &&
    !(Number.isInteger(maxOutputTokens) && maxOutputTokens > 0)
  ) {
    throw new OptionError(
      `openai(): maxOutputTokens must be a whole number of at least 1; it is ${String(maxOutputTokens)}`,
    );
  }
  if (timeoutMs !== undefined) checkDuration('openai()', 'timeoutMs', timeoutMs);
  if (client === undefined) return;
  // Its classes tell what its errors are.
  if (typeof (client?.constructor as typeof OpenAI | undefined)?.APIError !== 'function') {
    throw new OptionError('openai(): client must be a client of the openai package');
  }
  for (const name of ['apiKey', 'baseURL'] as const) {
    if (options[name] !== undefined) {
      throw new OptionError(`openai(): give ${name} to the client, or leave out client`);
    }
  }
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
