import { isRecord } from '../util/record.js';
import { revealHeaders } from './hidden-headers.js';
import type { ProviderOptions } from './provider-options.js';
import { areServerTools, type ServerTool } from './server-tool.js';

/** How hard a model thinks before it answers; providers map it to their own levels. */
export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export const REASONING_EFFORTS: readonly ReasoningEffort[] = [
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
];

/** How a model reasons before it answers. */
export interface Reasoning {
  /** @default the model's own */
  readonly effort?: ReasoningEffort | undefined;
  /** Maximum tokens of the reasoning: an integer ≥ 1. Only for providers that take such a limit. */
  readonly budgetTokens?: number | undefined;
}

/**
 * Whether the model calls tools: as it likes (`'auto'`), never, at least one (`'required'`), or this
 * one. A choice that forces a call applies to the first request of an attempt; after it, the model is
 * free to answer.
 */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly type: 'tool'; readonly toolName: string };

/**
 * How a model is asked. A runner has these options for all its requests, a task for its own; those of
 * the task come first. The names are those of the AI SDK.
 */
export interface CallOptions {
  /** Instructions that precede the prompt: role, tone, rules. */
  readonly instructions?: string | undefined;
  /** From 0, the most likely answer, upwards. Reasoning models do not accept it. */
  readonly temperature?: number | undefined;
  /** The share of likely tokens to choose from, > 0 and ≤ 1. */
  readonly topP?: number | undefined;
  /** An integer that makes answers repeatable, as far as the model can. */
  readonly seed?: number | undefined;
  /** Texts at which the answer ends. */
  readonly stopSequences?: readonly string[] | undefined;
  /**
   * Maximum tokens of one answer, hidden reasoning included. A longer answer is cut off, and the
   * attempt fails as `truncated`.
   * @default the model's own limit
   */
  readonly maxOutputTokens?: number | undefined;
  /** @default 'auto' */
  readonly toolChoice?: ToolChoice | undefined;
  /**
   * Tools that the provider runs itself, such as `['web_search', 'code_execution']`. The output has their
   * calls and the sources that it cites. A runner whose provider has none refuses them.
   */
  readonly serverTools?: readonly ServerTool[] | undefined;
  /** Headers of each request. Their values are in no event, error, log or journal. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Fields of the request in the words of the provider, by its name; a runner takes those of its own.
   * They are merged into the request, a task's over those of its runner.
   */
  readonly providerOptions?: ProviderOptions | undefined;
  /**
   * How the model reasons before it answers: an effort, or an object with one. The reasoning itself is
   * never part of the output.
   * @default the model's own
   */
  readonly reasoning?: ReasoningEffort | Reasoning | undefined;
  /**
   * Whether the answer is streamed. `'auto'` streams where somebody reads the text while it is written: a
   * listener or an iterator of the run, the strategy, or an `idleTimeoutMs`. A whole answer takes less
   * time of the processor; its text is in no event where nobody reads it.
   * @default 'auto'
   */
  readonly stream?: boolean | 'auto' | undefined;
  /**
   * The processing tier: `'flex'`, `'priority'` or `'default'` of OpenAI, `'auto'` or `'standard_only'` of
   * Anthropic.
   * @default the provider's own
   */
  readonly serviceTier?: string | undefined;
  /**
   * Whether the provider may store the answer. With `false`, hidden reasoning is sent to and fro in
   * encrypted form, as organisations without data retention need.
   * @default the provider's own
   */
  readonly store?: boolean | undefined;
  /** Requests with the same key share the provider's prompt cache more often. */
  readonly promptCacheKey?: string | undefined;
  /**
   * How long the provider keeps a prompt in its cache: `'30m'` or `'24h'` of OpenAI, `'5m'` or `'1h'` of
   * Anthropic, where it turns the cache on.
   * @default the provider's own
   */
  readonly promptCacheTtl?: string | undefined;
}

/** How an answer is made, stored and paid for: it is the same answer with any of them. */
export const DELIVERY_OPTIONS: readonly string[] = [
  ...['stream', 'serviceTier', 'store', 'promptCacheKey', 'promptCacheTtl'],
  ...['organization', 'project'],
];

/** Options or settings without those that do not change an answer. */
export function withoutDelivery<T extends object>(options: T): Partial<T> {
  const asked = Object.entries(options).filter(([name]) => !DELIVERY_OPTIONS.includes(name));
  return Object.fromEntries(asked) as Partial<T>;
}

/** The options of a task for the model that works on it. */
export interface TaskOptions extends CallOptions {
  /**
   * The name of one of the executor's `runners`, a name and a model (`'deep/claude-opus-5-5'`), or,
   * for an executor without `runners`, a model of its runner.
   */
  readonly model?: string | undefined;
}

/** What a value of an option must be, and whether it is that. */
type Rule = readonly [what: string, fits: (value: never) => boolean];

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';
const COUNT: Rule = ['an integer ≥ 1', (value: number) => Number.isInteger(value) && value > 0];
/** Whether a value has only characters that HTTP allows: on one line, and none beyond Latin-1. */
export const isHeaderValue = (value: unknown) =>
  typeof value === 'string' && /^[^\0\r\n\u0100-\uffff]*$/.test(value);
/** A name and a value that HTTP allows. */
const isHeader = ([name, value]: [string, unknown]) =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderValue(value);

const isEffort = (value: unknown) => REASONING_EFFORTS.includes(value as ReasoningEffort);
const isReasoning = (value: unknown) => {
  if (!isRecord(value)) return false;
  const { effort, budgetTokens, ...others } = value;
  return (
    Object.keys(others).length === 0 &&
    (effort === undefined || isEffort(effort)) &&
    (budgetTokens === undefined || COUNT[1](budgetTokens as never)) &&
    (effort ?? budgetTokens) !== undefined
  );
};

/** A record, so that the compiler finds a missing option. */
const RULES: Readonly<Record<keyof TaskOptions, Rule>> = {
  model: ['a non-empty string', isText],
  instructions: ['a non-empty string', isText],
  temperature: ['a number ≥ 0', (value: number) => Number.isFinite(value) && value >= 0],
  topP: [
    'a number > 0 and ≤ 1',
    (value: number) => Number.isFinite(value) && value > 0 && value <= 1,
  ],
  seed: ['an integer', (value: number) => Number.isSafeInteger(value)],
  stopSequences: [
    'a list of non-empty strings',
    (value: unknown) =>
      Array.isArray(value) &&
      value.length > 0 &&
      Array.from(value).every((each) => typeof each === 'string' && each !== ''),
  ],
  maxOutputTokens: COUNT,
  toolChoice: [
    "'auto', 'none', 'required' or { type: 'tool', toolName }",
    (value: unknown) =>
      ['auto', 'none', 'required'].includes(value as string) ||
      (isRecord(value) && value.type === 'tool' && isText(value.toolName)),
  ],
  serverTools: [
    "a list of 'web_search' and 'code_execution', each once, or of objects with a type and its options",
    areServerTools,
  ],
  headers: [
    'an object of texts by the name of the header, with characters that HTTP allows',
    (value: unknown) => isRecord(value) && Object.entries(value).every(isHeader),
  ],
  providerOptions: [
    "objects by the provider's name, like { openai: { … } }",
    (value: unknown) => isRecord(value) && Object.values(value).every(isRecord),
  ],
  reasoning: [
    `one of ${REASONING_EFFORTS.join(', ')}, or { effort, budgetTokens }`,
    (value: unknown) => isEffort(value) || isReasoning(value),
  ],
  stream: ["true, false or 'auto'", (value) => [true, false, 'auto'].includes(value)],
  serviceTier: ['a non-empty string', isText],
  store: ['true or false', (value: unknown) => typeof value === 'boolean'],
  promptCacheKey: ['a non-empty string', isText],
  promptCacheTtl: ["a duration such as '1h'", isText],
};

/** The names of the options of a task. */
export const TASK_OPTIONS = Object.keys(RULES) as (keyof TaskOptions)[];

/** Says what an option must be; undefined when it is that. Never shows the value. */
export function optionProblem(name: keyof TaskOptions, value: unknown): string | undefined {
  const [what, fits] = RULES[name];
  return fits(value as never) ? undefined : `must be ${what}`;
}

/** Whether a task sets an option. Each is read by its name: this is asked of every task. */
export function hasOptions(task: TaskOptions): boolean {
  return (
    task.model !== undefined ||
    task.instructions !== undefined ||
    task.temperature !== undefined ||
    task.topP !== undefined ||
    task.seed !== undefined ||
    task.stopSequences !== undefined ||
    task.maxOutputTokens !== undefined ||
    task.toolChoice !== undefined ||
    task.serverTools !== undefined ||
    task.headers !== undefined ||
    task.providerOptions !== undefined ||
    task.reasoning !== undefined ||
    task.stream !== undefined ||
    task.serviceTier !== undefined ||
    task.store !== undefined ||
    task.promptCacheKey !== undefined ||
    task.promptCacheTtl !== undefined
  );
}

/** The options that a task sets; undefined for none. */
export function optionsOf(task: TaskOptions): TaskOptions | undefined {
  if (!hasOptions(task)) return undefined;
  const given = TASK_OPTIONS.filter((name) => task[name] !== undefined);
  const options = Object.fromEntries(given.map((name) => [name, task[name]])) as TaskOptions;
  return options.headers === undefined
    ? options
    : { ...options, headers: revealHeaders(options.headers) };
}
