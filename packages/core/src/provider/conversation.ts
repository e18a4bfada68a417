import type { RequestAttachment } from '../contract/attachment.js';
import { type Citation, citationsOf } from '../contract/citation.js';
import { RunnerError } from '../contract/errors.js';
import type { RateLimits } from '../contract/rate-limits.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskOutput, TaskRequest } from '../contract/runner.js';
import { type ServerToolCall, serverToolCallsOf } from '../contract/server-tool-call.js';
import type { ModelCall } from '../contract/surround.js';
import type { RequestTool, ToolResult } from '../contract/tool.js';
import { addUsage, type Usage } from '../contract/usage.js';
import { jsonInText } from '../util/json-in-text.js';
import { parseJsonAnswer } from '../util/parse-json.js';
import { didYouMean } from '../util/suggest.js';
import { definedFields } from './defined-fields.js';
import { limitTools } from './limit-tools.js';
import { DEFAULT_TOOL_CALL_CONCURRENCY } from './model-options.js';

/** The input of one turn. */
export type TurnInput =
  | {
      readonly kind: 'prompt';
      readonly text: string;
      readonly attachments?: readonly RequestAttachment[] | undefined;
    }
  /** The results of the tools that the last turn called, in the order of the calls. */
  | { readonly kind: 'tool_results'; readonly results: readonly AnsweredCall[] }
  /** The last answer is invalid; the text says why, and asks for another one. */
  | { readonly kind: 'correction'; readonly text: string };

/** A tool call as the model made it. */
export interface ToolCall {
  readonly callId: string;
  readonly tool: string;
  /** An object, or its JSON as text. */
  readonly input: unknown;
}

export interface AnsweredCall extends ToolCall {
  readonly result: ToolResult;
}

/** What a response carries besides the answer. */
export interface ResponseMeta {
  readonly requestId?: string | undefined;
  readonly rateLimits?: RateLimits | undefined;
}

/** The answer of one turn: a text, or tool calls. */
export interface Turn extends ResponseMeta {
  readonly text: string;
  readonly toolCalls?: readonly ToolCall[] | undefined;
  readonly usage?: Usage | undefined;
  /** The cost in US dollars, where the server states it. */
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  /** The sources that the answer cites. */
  readonly citations?: readonly Citation[] | undefined;
  /** The calls of tools that the provider ran itself for this answer. */
  readonly serverToolCalls?: readonly ServerToolCall[] | undefined;
  /** The tokens that went into a prompt cache for an hour, which costs more than for minutes. */
  readonly hourCacheWriteTokens?: number | undefined;
  /** The tier that the request was served in, where the server says it. */
  readonly serviceTier?: string | undefined;
}

/** A conversation with a model that keeps its history: all that differs between backends. */
export interface Dialogue {
  /**
   * Sends one request, and reads the whole answer.
   *
   * @throws {RunnerError} when there is none: `refused`, `truncated`, `rate_limited`, …
   */
  send(input: TurnInput): Promise<Turn>;
}

/** How an answer is held to the schema of its task. */
export interface AnswerFormat {
  /** The request carries the schema for the backend to enforce, or only the prompt describes it. */
  readonly schemaIn: 'request' | 'prompt';
  /** Takes the value out of the object that the backend was asked for. */
  readonly unwrap?: ((value: unknown) => unknown) | undefined;
}

/** Who answers the requests of a conversation. */
type CallTarget = Pick<ModelCall, 'provider' | 'model' | 'baseURL' | 'settings'>;

export interface ConversationOptions extends AnswerFormat {
  /** Maximum requests of one attempt. */
  readonly maxSteps: number;
  /**
   * Maximum tool calls of one turn that run at the same time.
   * @default 8
   */
  readonly toolCallConcurrency?: number | undefined;
  /** Ends the conversation before the attempt ends. */
  readonly signal?: AbortSignal | undefined;
  /** Adds the cost of one turn: prices may depend on the length of its prompt. */
  readonly withCost?: ((turn: Turn) => Turn) | undefined;
  /** What an instrumentation says about the requests. */
  readonly target?: CallTarget | undefined;
  /** Called after each answer of the model. */
  readonly onAnswer?: (() => void) | undefined;
}

/**
 * Runs the loop of model and tools. It sends the prompt, runs the tools that the model calls (those
 * of one turn in parallel), and sends their results, until the model answers. An answer that does not
 * fit the task's schema is sent back once, with the reason.
 *
 * The log has a `step` for each turn of several, every tool call and every result, also of tools that
 * do not exist. The usage of all turns is added up.
 *
 * @throws {RunnerError} `step_limit` when the model still calls tools at the last step, and
 * everything that the dialogue throws.
 *
 * @example
 * const dialogue = { send: async (input) => ({ text: await callMyModel(input) }) };
 * return converse(request, context, dialogue, { schemaIn: 'prompt', maxSteps: 20 });
 */
export async function converse(
  request: TaskRequest,
  context: RunContext,
  dialogue: Dialogue,
  options: ConversationOptions,
): Promise<TaskOutput> {
  const { maxSteps, signal = context.signal } = options;
  const { toolCallConcurrency = DEFAULT_TOOL_CALL_CONCURRENCY } = options;
  const tools = limitTools(request.tools ?? [], toolCallConcurrency);
  let usage: Usage | undefined;
  /** Undefined once the cost of a turn is unknown. */
  let costUsd: number | undefined = 0;
  const { attachments } = request;
  let input: TurnInput = { kind: 'prompt', text: promptOf(request, options), attachments };
  let corrected = false;
  const serverCalls: ServerToolCall[] = [];
  const surroundedSend = (step: number, given: TurnInput): Promise<Turn> => {
    const send = () => dialogue.send(given);
    const { surround } = context;
    if (surround === undefined || options.target === undefined) return send();
    const isJson = request.outputSchema !== undefined;
    return surround.modelCall({ ...options.target, step, isJson, input: given }, send);
  };
  for (let step = 1; ; step++) {
    const sent: Turn = await surroundedSend(step, input).catch((thrown) => {
      throw withUsage(thrown, usage, costUsd);
    });
    const turn = options.withCost?.(sent) ?? sent;
    options.onAnswer?.();
    const { toolCalls = [], model, requestId, rateLimits } = turn;
    usage = addUsage(usage, turn.usage);
    costUsd = sumOf(costUsd, turn.costUsd);
    const details = definedFields({ usage, costUsd, model, requestId, rateLimits });
    const output = toolCalls.length > 0 ? undefined : parseAnswer(turn.text, request, options);
    const misfit = corrected || toolCalls.length > 0 ? undefined : await request.check?.(output);
    const isLast = toolCalls.length === 0 && misfit === undefined;
    if (step > 1 || !isLast) {
      const reported = definedFields({ usage: turn.usage, model, requestId });
      await context.emit({ kind: 'step', step, ...reported });
    }
    const citations = citationsOf(turn.citations);
    serverCalls.push(...(turn.serverToolCalls ?? []));
    const serverToolCalls = serverToolCallsOf(serverCalls);
    const answer = { output, ...details, ...definedFields({ citations, serverToolCalls }) };
    if (isLast) return answer;
    if (step >= maxSteps) {
      if (toolCalls.length === 0) return answer;
      const message = `the model still called tools after ${step} requests; raise maxSteps`;
      throw new RunnerError('step_limit', message, details);
    }
    if (toolCalls.length > 0) {
      const results = toolCalls.map((call) => answerCall(call, tools, context, signal));
      input = { kind: 'tool_results', results: await Promise.all(results) };
    } else {
      corrected = true;
      input = { kind: 'correction', text: correctionMessage(misfit as string) };
    }
  }
}

/** The prompt of a request: without the schema where the request itself carries it. */
export function promptOf(
  { plainPrompt, prompt }: Pick<TaskRequest, 'plainPrompt' | 'prompt'>,
  { schemaIn }: Pick<AnswerFormat, 'schemaIn'>,
): string {
  return schemaIn === 'request' ? plainPrompt : prompt;
}

/**
 * The output that the text of an answer stands for: the text itself, or the value of its JSON. JSON
 * inside prose stays a text, as only the schema tells which part is meant, unless it has to be unwrapped.
 */
export function parseAnswer(
  text: string,
  { outputSchema }: Pick<TaskRequest, 'outputSchema'>,
  { schemaIn, unwrap }: AnswerFormat,
): unknown {
  if (outputSchema === undefined || schemaIn === 'prompt') return text;
  const parsed = parseJsonAnswer(text);
  if (unwrap === undefined) return parsed === undefined ? text : parsed.value;
  if (parsed !== undefined) return unwrap(parsed.value);
  for (const value of jsonInText(text)) {
    const unwrapped = unwrap(value);
    if (unwrapped !== value) return unwrapped;
  }
  return text;
}

/** Asks the model for another answer. */
export function correctionMessage(misfit: string): string {
  return (
    `That answer cannot be used: ${misfit}\n` +
    'Answer again in full, with JSON alone, nothing before or after it, that fits the schema.'
  );
}

async function answerCall(
  call: ToolCall,
  tools: readonly RequestTool[],
  { emit }: RunContext,
  signal: AbortSignal,
): Promise<AnsweredCall> {
  const tool = tools.find(({ name }) => name === call.tool);
  if (tool !== undefined) {
    return { ...call, result: await tool.call(call.input, call.callId, signal) };
  }
  const names = tools.map(({ name }) => name);
  const hint = didYouMean(call.tool, names) || ` There are ${names.join(', ') || 'none'}.`;
  const message = `there is no tool "${call.tool}".${hint}`;
  const { callId, tool: name, input } = call;
  await emit({ kind: 'tool_call', callId, tool: name, input });
  await emit({ kind: 'tool_result', callId, tool: name, ok: false, message, durationMs: 0 });
  return { ...call, result: { ok: false, message, text: `Error: ${message}` } };
}

/** The turns before a failed one have used tokens too. */
function withUsage(
  thrown: unknown,
  before: Usage | undefined,
  costBefore: number | undefined,
): unknown {
  if (before === undefined || !(thrown instanceof RunnerError)) return thrown;
  const { usage, costUsd = usage === undefined ? 0 : undefined } = thrown;
  return Object.assign(thrown, {
    usage: addUsage(before, usage),
    ...definedFields({ costUsd: sumOf(costBefore, costUsd) }),
  });
}

function sumOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
