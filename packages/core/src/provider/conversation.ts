import { RunnerError } from '../contract/errors.js';
import type { RateLimits } from '../contract/rate-limits.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskOutput, TaskRequest } from '../contract/runner.js';
import type { ToolResult } from '../contract/tool.js';
import { addUsage, type Usage } from '../contract/usage.js';
import { parseJsonAnswer } from '../util/parse-json.js';
import { didYouMean } from '../util/suggest.js';

/** What the model is told in one turn. */
export type TurnInput =
  | { readonly kind: 'prompt'; readonly text: string }
  /** What came of the calls of its last turn, in their order. */
  | { readonly kind: 'tool_results'; readonly results: readonly AnsweredCall[] }
  /** Its last answer cannot be used; the text says why, and asks for another. */
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

/** What the model answered in one turn: a text, or calls of tools. */
export interface Turn {
  readonly text: string;
  readonly toolCalls?: readonly ToolCall[] | undefined;
  readonly usage?: Usage | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
  readonly rateLimits?: RateLimits | undefined;
}

/** A dialogue with a model that remembers what was said: all that differs between backends. */
export interface Dialogue {
  /**
   * One request, and the whole answer to it.
   *
   * @throws {RunnerError} when there is none: `refused`, `truncated`, `rate_limited`, …
   */
  say(input: TurnInput): Promise<Turn>;
}

export interface ConversationOptions {
  /**
   * How the answer is held to the schema: by the backend itself, which was given it, or only by
   * the words of the prompt.
   */
  readonly schemaIn: 'request' | 'prompt';
  /** Takes the value out of what the backend was asked to put it into. */
  readonly unwrap?: (value: unknown) => unknown;
  /** The most requests that may go into one attempt. */
  readonly maxSteps: number;
  /** Ends the conversation ahead of the attempt. */
  readonly signal?: AbortSignal;
}

/**
 * Holds the loop of model and tools: sends the prompt, runs the tools that the model calls (those
 * of one turn at the same time) and tells it what came of them, until it answers. An answer that
 * does not fit the task's schema is sent back once with what is wrong with it.
 *
 * Each turn of several is a `step` in the log, each call of a tool and its result are there too, and
 * the tokens of all turns are added up.
 *
 * @throws {RunnerError} `step_limit` when the model still calls tools at the last step allowed, and
 * whatever the dialogue throws.
 *
 * @example
 * const dialogue = { say: async (input) => ({ text: await askSomething(input) }) };
 * return converse(request, context, dialogue, { schemaIn: 'prompt', maxSteps: 20 });
 */
export async function converse(
  request: TaskRequest,
  context: RunContext,
  dialogue: Dialogue,
  options: ConversationOptions,
): Promise<TaskOutput> {
  const { schemaIn, maxSteps, signal = context.signal } = options;
  let usage: Usage | undefined;
  let input: TurnInput = {
    kind: 'prompt',
    text: schemaIn === 'request' ? request.plainPrompt : request.prompt,
  };
  let corrected = false;
  for (let step = 1; ; step++) {
    const turn: Turn = await dialogue.say(input).catch((thrown) => {
      throw withUsage(thrown, usage);
    });
    const { toolCalls = [], model, requestId, rateLimits } = turn;
    usage = addUsage(usage, turn.usage);
    const details = { usage, model, requestId, rateLimits };
    const output = toolCalls.length > 0 ? undefined : answerOf(turn.text, request, options);
    const misfit = corrected || toolCalls.length > 0 ? undefined : await request.check?.(output);
    const isLast = toolCalls.length === 0 && misfit === undefined;
    if (step > 1 || !isLast) {
      const told = withoutUndefined({ usage: turn.usage, model, requestId });
      await context.emit({ kind: 'step', step, ...told });
    }
    if (isLast) return { output, ...details };
    if (step >= maxSteps) {
      if (toolCalls.length === 0) return { output, ...details };
      const message = `the model still called tools after ${step} requests; raise maxSteps`;
      throw new RunnerError('step_limit', message, withoutUndefined(details));
    }
    if (toolCalls.length > 0) {
      const results = toolCalls.map((call) => answerCall(call, request, signal));
      input = { kind: 'tool_results', results: await Promise.all(results) };
    } else {
      corrected = true;
      input = { kind: 'correction', text: correctionOf(misfit as string) };
    }
  }
}

/** What a text is as the answer to a request. */
export function answerOf(
  text: string,
  { outputSchema }: Pick<TaskRequest, 'outputSchema'>,
  options: Pick<ConversationOptions, 'schemaIn' | 'unwrap'>,
): unknown {
  if (outputSchema === undefined || options.schemaIn === 'prompt') return text;
  const parsed = parseJsonAnswer(text);
  if (parsed === undefined) return text;
  return options.unwrap === undefined ? parsed.value : options.unwrap(parsed.value);
}

function correctionOf(misfit: string): string {
  return (
    `That answer cannot be used: ${misfit}\n` +
    'Answer again in full, with JSON alone, nothing before or after it, that fits the schema.'
  );
}

async function answerCall(
  call: ToolCall,
  { tools = [] }: TaskRequest,
  signal: AbortSignal,
): Promise<AnsweredCall> {
  const tool = tools.find(({ name }) => name === call.tool);
  if (tool !== undefined) {
    return { ...call, result: await tool.call(call.input, call.callId, signal) };
  }
  const names = tools.map(({ name }) => name);
  const hint = didYouMean(call.tool, names) || ` There are ${names.join(', ') || 'none'}.`;
  const message = `there is no tool "${call.tool}".${hint}`;
  return { ...call, result: { ok: false, message, text: `Error: ${message}` } };
}

/** Tokens of the turns before a failed one have been used all the same. */
function withUsage(thrown: unknown, before: Usage | undefined): unknown {
  if (before === undefined || !(thrown instanceof RunnerError)) return thrown;
  return Object.assign(thrown, { usage: addUsage(before, thrown.usage) });
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}
