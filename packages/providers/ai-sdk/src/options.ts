import { checkOptions, OptionError } from '@stratagem/core';
import { checkModelOptions } from '@stratagem/core/provider';
import type { LanguageModel, streamText } from 'ai';

export interface AiSdkOptions {
  /** What the model is told ahead of every task: its role, its tone, the rules. */
  readonly instructions?: string;
  /**
   * From 0, always the likeliest words, up to what the provider allows, mostly 2. Reasoning models
   * do not take it.
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
   * @default 600_000
   */
  readonly timeoutMs?: number;
  /**
   * What only this provider understands, by its name: `{ openai: { reasoningEffort: 'low' } }`. See
   * the documentation of the provider's package.
   */
  readonly providerOptions?: ProviderOptions;
  /**
   * What must never be seen in an error. The headers that a model sends are known without it, unless
   * the model is wrapped in middleware, or made by a package that hides them.
   * @default none
   */
  readonly secrets?: readonly string[];
}

/** As the AI SDK takes them. */
export type ProviderOptions = NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;

export const DEFAULT_TIMEOUT_MS = 600_000;
export const DEFAULT_MAX_STEPS = 20;

const OWNER = 'aiSdk()';
const OPTIONS = [
  'instructions',
  'temperature',
  'maxOutputTokens',
  'maxSteps',
  'timeoutMs',
  'providerOptions',
  'secrets',
];

/** @throws {OptionError} when the model is none, or an option is unknown or out of range. */
export function checkAiSdkOptions(model: LanguageModel, options: AiSdkOptions): void {
  if (!isLanguageModel(model)) {
    throw new OptionError(
      `${OWNER} takes a language model of the AI SDK, such as openai('gpt-6.1-sol') of ` +
        '@ai-sdk/openai, or the id of one at its gateway',
    );
  }
  checkOptions(OWNER, options, OPTIONS);
  checkModelOptions(OWNER, options);
  const { temperature, providerOptions, secrets } = options;
  if (temperature !== undefined && !(Number.isFinite(temperature) && temperature >= 0)) {
    throw new OptionError(
      `${OWNER}: temperature must be a number of at least 0; it is ${String(temperature)}`,
    );
  }
  if (providerOptions !== undefined && !isRecordOf(providerOptions, isRecord)) {
    throw new OptionError(
      `${OWNER}: providerOptions must be objects by the provider's name: { openai: { … } }`,
    );
  }
  if (secrets !== undefined && !(Array.isArray(secrets) && secrets.every(isText))) {
    throw new OptionError(`${OWNER}: secrets must be a list of strings`);
  }
}

/** What decides on an answer besides the request. */
export function settingsOf(model: LanguageModel, options: AiSdkOptions): Record<string, unknown> {
  const { secrets: _, timeoutMs: __, ...settings } = { model: labelOf(model), ...options };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** `openai.responses/gpt-6.1-sol` */
export function labelOf(model: LanguageModel): string {
  return typeof model === 'string' ? model : `${model.provider}/${model.modelId}`;
}

function isLanguageModel(value: unknown): value is LanguageModel {
  if (typeof value === 'string') return value.trim() !== '';
  const { modelId, doStream } = Object(value) as { modelId?: unknown; doStream?: unknown };
  return typeof modelId === 'string' && typeof doStream === 'function';
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecordOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return isRecord(value) && Object.values(value).every(fits);
}
