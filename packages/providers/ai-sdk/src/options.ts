import {
  checkModelOptions,
  checkNoUser,
  checkOptions,
  type ModelOptions,
  OptionError,
  type PricedModel,
} from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';

/** Options that each package of the AI SDK has in its `providerOptions`. */
type OfPackages = 'serviceTier' | 'store' | 'promptCacheKey' | 'promptCacheTtl';

export interface AiSdkOptions extends Omit<ModelOptions, OfPackages> {
  /**
   * Options of this provider alone, by its name in the AI SDK: `{ openai: { reasoningEffort: 'low' } }`.
   * See the documentation of the provider's package. Those of a task are merged over these.
   */
  readonly providerOptions?: ModelOptions['providerOptions'];
  /**
   * Values that must never appear in an error. The headers of the model are redacted anyway, unless
   * middleware or the provider's package hides them.
   * @default none
   */
  readonly secrets?: readonly string[] | undefined;
}

/** A record, so that the compiler finds a missing name. */
const NAMES: Readonly<Record<keyof AiSdkOptions, true>> = {
  instructions: true,
  temperature: true,
  topP: true,
  seed: true,
  stopSequences: true,
  maxOutputTokens: true,
  toolChoice: true,
  serverTools: true,
  headers: true,
  reasoning: true,
  stream: true,
  maxSteps: true,
  toolCallConcurrency: true,
  timeoutMs: true,
  providerOptions: true,
  secrets: true,
};

const OWNER = 'aiSdk()';
export const AI_SDK_OPTIONS = Object.keys(NAMES);

/** The options that a task may set. The model is an object, which a task cannot name. */
export const AI_SDK_TASK_OPTIONS = [
  'instructions',
  'temperature',
  'topP',
  'seed',
  'stopSequences',
  'maxOutputTokens',
  'toolChoice',
  'serverTools',
  'headers',
  'reasoning',
  'stream',
  'providerOptions',
] as const satisfies readonly (keyof AiSdkOptions)[];

/** @throws {OptionError} when the model is not one, or an option is unknown or out of range. */
export function checkAiSdkOptions(model: LanguageModel, options: AiSdkOptions): void {
  if (!isLanguageModel(model)) {
    throw new OptionError(
      `${OWNER} takes a language model of the AI SDK, such as openai('gpt-6.1-sol') of ` +
        '@ai-sdk/openai, or the id of a model at its gateway',
    );
  }
  const { baseURL } = Object(Object(model).config) as { baseURL?: unknown };
  if (typeof baseURL === 'string') checkNoUser(OWNER, 'the baseURL of the model', baseURL);
  checkOptions(OWNER, options, AI_SDK_OPTIONS);
  checkModelOptions(OWNER, options);
  const { secrets } = options;
  if (secrets !== undefined && !(Array.isArray(secrets) && secrets.every(isText))) {
    throw new OptionError(`${OWNER}: secrets must be a list of strings`);
  }
}

/** `openai.responses/gpt-6.1-sol` */
export function labelOf(model: LanguageModel): string {
  return typeof model === 'string' ? model : `${model.provider}/${model.modelId}`;
}

/** `gpt-6.1-sol` */
export function modelNameOf(model: LanguageModel): string {
  return typeof model === 'string' ? model : model.modelId;
}

/** Gateways state the cost of an answer. */
const GATEWAYS = /^(gateway|openrouter)\b/;

/** `{ provider: 'openai', model: 'gpt-6.1-sol' }` */
export function pricedModelOf(model: LanguageModel): PricedModel {
  if (typeof model === 'string') return { provider: 'gateway', model, isStated: true };
  const [provider = ''] = model.provider.split('.');
  return { provider, model: model.modelId, isStated: GATEWAYS.test(model.provider) };
}

function isLanguageModel(value: unknown): value is LanguageModel {
  if (typeof value === 'string') return value.trim() !== '';
  const { modelId, doStream } = Object(value) as { modelId?: unknown; doStream?: unknown };
  return typeof modelId === 'string' && typeof doStream === 'function';
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
