import { OptionError } from '@stratagem/core';
import { checkClient, checkModelOptions } from '@stratagem/core/provider';
import type { OpenAI } from 'openai';

export const DEFAULT_MODEL = 'gpt-6.1-sol';

export const STRUCTURED_OUTPUTS = ['json_schema', 'json_object', 'prompt'] as const;

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
  /**
   * How an answer is held to a task's schema: by the server, which is given the schema
   * (`'json_schema'`); by the server, which sees to it that it is JSON, and the words of the prompt
   * (`'json_object'`); or by the words of the prompt alone (`'prompt'`). Whatever it is, an answer
   * that does not fit is sent back once with what is wrong with it.
   * @default 'json_schema' on OpenAI and Azure OpenAI, 'prompt' on any other server
   */
  readonly structuredOutput?: (typeof STRUCTURED_OUTPUTS)[number];
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
   * A client of your own, for what the options above do not say: a proxy, headers, Azure. It brings
   * its own key and base URL; its retries are turned off.
   */
  readonly client?: OpenAI;
}

export const OPENAI_OPTIONS = [
  'model',
  'apiKey',
  'baseURL',
  'api',
  'structuredOutput',
  'instructions',
  'temperature',
  'maxOutputTokens',
  'maxSteps',
  'timeoutMs',
  'client',
];

/** @throws {OptionError} when an option is out of range. */
export function checkOpenAIOptions(options: OpenAIOptions, owner: string): void {
  const { api, structuredOutput, temperature, client } = options;
  checkModelOptions(owner, options);
  checkChoice(owner, 'api', api, ['responses', 'chat']);
  checkChoice(owner, 'structuredOutput', structuredOutput, STRUCTURED_OUTPUTS);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    throw new OptionError(
      `${owner}: temperature must be a number from 0 to 2; it is ${String(temperature)}`,
    );
  }
  checkClient(owner, client, 'openai', options);
}

/** What decides on an answer besides the request. */
export function settingsOf(options: OpenAIOptions): Record<string, unknown> {
  const { model = DEFAULT_MODEL, api, structuredOutput, instructions, temperature } = options;
  const { maxOutputTokens, maxSteps } = options;
  const settings = { model, api, structuredOutput, instructions, temperature, maxOutputTokens };
  return withoutUndefined({ ...settings, maxSteps, baseURL: placeOf(options) });
}

/**
 * Where it asks, without what may be secret in it; undefined for the SDK's own place. The same name
 * may be another model elsewhere.
 */
function placeOf({ client, baseURL }: OpenAIOptions): string | undefined {
  const url = client?.baseURL ?? baseURL ?? process.env.OPENAI_BASE_URL?.trim();
  // One of the environment that is none is an error of the first request.
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function withoutUndefined(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function checkChoice(owner: string, name: string, value: unknown, choices: readonly string[]) {
  if (value === undefined || choices.includes(value as string)) return;
  const list = choices.map((choice) => `'${choice}'`);
  const last = list.pop();
  throw new OptionError(
    `${owner}: ${name} must be ${list.join(', ')} or ${last}; it is ${String(value)}`,
  );
}
