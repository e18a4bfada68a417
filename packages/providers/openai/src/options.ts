import { OptionError } from '@stratagem/core';
import { checkChoice, checkProvider, type SdkOptions } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';

const APIS = ['responses', 'chat'] as const;
const STRUCTURED_OUTPUTS = ['json_schema', 'json_object', 'prompt'] as const;

export interface OpenAIOptions extends SdkOptions<OpenAI> {
  /**
   * The model that answers.
   * @default 'gpt-6.1-sol'
   */
  readonly model?: string | undefined;
  /**
   * The API key. Never part of an event, an error or a report.
   * @default the environment variable OPENAI_API_KEY
   */
  readonly apiKey?: string | undefined;
  /**
   * Base URL of the API, with its version: `http://127.0.0.1:11434/v1`.
   * @default the environment variable OPENAI_BASE_URL, or OpenAI's own
   */
  readonly baseURL?: string | undefined;
  /**
   * The Responses API (`'responses'`) or Chat Completions (`'chat'`), which every compatible server
   * has.
   * @default 'responses' on OpenAI and Azure OpenAI, 'chat' on any other server
   */
  readonly api?: (typeof APIS)[number] | undefined;
  /**
   * How an answer is held to a task's schema. `'json_schema'`: the server enforces the schema.
   * `'json_object'`: the server enforces JSON, and the prompt describes the schema. `'prompt'`: only
   * the prompt describes it. In all cases an answer that does not fit is sent back once, with the
   * reason.
   * @default 'json_schema' on OpenAI and Azure OpenAI, 'prompt' on any other server
   */
  readonly structuredOutput?: (typeof STRUCTURED_OUTPUTS)[number] | undefined;
}

/** A record, so that the compiler finds a missing name. */
const NAMES: Readonly<Record<keyof OpenAIOptions, true>> = {
  model: true,
  apiKey: true,
  baseURL: true,
  api: true,
  structuredOutput: true,
  instructions: true,
  temperature: true,
  topP: true,
  seed: true,
  stopSequences: true,
  maxOutputTokens: true,
  toolChoice: true,
  headers: true,
  providerOptions: true,
  reasoning: true,
  stream: true,
  maxSteps: true,
  toolCallConcurrency: true,
  timeoutMs: true,
  client: true,
};

export const OPENAI_OPTIONS = Object.keys(NAMES);

/** Options that the Responses API does not have. */
export const NOT_IN_RESPONSES = ['seed', 'stopSequences'] as const;

/** The options that a task may set. */
export const OPENAI_TASK_OPTIONS = [
  'model',
  'instructions',
  'temperature',
  'topP',
  'seed',
  'stopSequences',
  'maxOutputTokens',
  'toolChoice',
  'headers',
  'reasoning',
  'stream',
] as const satisfies readonly (keyof OpenAIOptions)[];

/** @throws {OptionError} when an option that only this provider has is out of range. */
export function checkOpenAIOptions(owner: string, options: OpenAIOptions): void {
  const { api, structuredOutput, temperature, providerOptions } = options;
  checkChoice(owner, 'api', api, APIS);
  checkChoice(owner, 'structuredOutput', structuredOutput, STRUCTURED_OUTPUTS);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    throw new OptionError(
      `${owner}: temperature must be a number from 0 to 2; it is ${String(temperature)}`,
    );
  }
  checkProvider(owner, 'openai', providerOptions);
  if (api !== 'responses') return;
  const unsupported = NOT_IN_RESPONSES.find((name) => options[name] !== undefined);
  if (unsupported === undefined) return;
  throw new OptionError(`${owner}: ${unsupported} needs api: 'chat'; the Responses API has none`);
}
