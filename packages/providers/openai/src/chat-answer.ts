import type { Citation, RunContext } from '@stratagem/core';
import {
  AnswerText,
  answerEndOf,
  CallIds,
  inputJson,
  isRecord,
  type ModelAnswer,
  readWireUsage,
  replayedName,
  takeEvents,
} from '@stratagem/core/runner';
import type {
  ChatCompletion,
  ChatCompletionAssistantMessageParam,
  ChatCompletionChunk,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import { annotationsOf, listedSources } from './citations.js';
import { countsIn } from './counts.js';
import { mergeDelta } from './merge-delta.js';
import { executedTools } from './server-tools.js';
import { bareFailureIn, requireNoError } from './stream-error.js';
import { type CallPiece, type JoinedCall, ToolCallAccumulator } from './tool-calls.js';

/** Compatible servers omit parts of a chunk that the types require. */
export type Chunk = Partial<ChatCompletionChunk>;
type Delta = Partial<ChatCompletionChunk.Choice.Delta>;

/** A completion that was not streamed, as one chunk. */
export function chunksOf(completion: Partial<ChatCompletion>): Chunk[] {
  const { choices, ...rest } = completion;
  const choice = choiceIn(choices);
  if (choice === undefined) return [];
  const { message, finish_reason = 'stop' } = choice;
  const given: unknown = message?.tool_calls;
  const tool_calls = Array.isArray(given)
    ? given.map((call, index) => ({ ...call, index }))
    : given;
  const delta = { ...message, tool_calls } as Delta;
  return [{ ...rest, choices: [{ ...choice, index: 0, delta, finish_reason }] } as Chunk];
}

type Choice = Partial<ChatCompletionChunk.Choice> & Partial<ChatCompletion.Choice>;

/** The choice with this index, or else the first one: `providerOptions` may ask for several. */
function choiceIn(choices: unknown, index?: unknown): Choice | undefined {
  if (!Array.isArray(choices)) return undefined;
  let first: Choice | undefined;
  for (const each of choices) {
    if (!isRecord(each)) continue;
    if ((each.index ?? index) === (index ?? 0)) return each;
    first ??= each;
  }
  return index === undefined ? first : undefined;
}

export interface ChatAnswer extends ModelAnswer {
  /** The message to repeat in the next request. */
  readonly message: ChatCompletionMessageParam;
}

/**
 * Reads the chunks of an answer, and emits its text.
 *
 * @param arrivals The chunks that arrived together, each time.
 * @param ids The ids of the calls in the conversation so far.
 */
export async function readChunks(
  arrivals: AsyncIterable<readonly Chunk[]> | Iterable<readonly Chunk[]>,
  emit?: RunContext['emit'],
  ids = new CallIds(),
): Promise<ChatAnswer> {
  const calls = new ToolCallAccumulator();
  const text = new AnswerText(emit);
  const parts: unknown[] = [];
  let extra: object = {};
  let refusal = '';
  let reason: string | undefined;
  let model: string | undefined;
  let counts: unknown;
  let serviceTier: string | undefined;
  let sources: Citation[] = [];
  let index: unknown;
  /** Whether the answer has ended, and what follows are counts. */
  let isOver = false;
  let bareFailure: Error | undefined;
  /** Returns a promise while the reader of the text is behind. */
  const take = (chunk: Chunk): Promise<void> | undefined => {
    requireNoError(chunk);
    // The first chunk of Azure has an empty one.
    model ||= chunk.model;
    counts = countsIn(chunk, counts);
    serviceTier = chunk.service_tier ?? serviceTier;
    const listed = listedSources(chunk);
    if (listed.length > 0) sources = listed;
    const choice = choiceIn(chunk.choices, index);
    if (choice === undefined) {
      bareFailure ??= bareFailureIn(chunk);
      return undefined;
    }
    index ??= choice.index ?? undefined;
    const {
      content,
      refusal: refused,
      tool_calls,
      function_call,
      role: _,
      ...more
    } = (choice.delta ?? choice.message ?? {}) as Delta;
    if (Array.isArray(content)) mergeDelta(parts, content);
    if (typeof refused === 'string') refusal += refused;
    for (const called of callsIn(tool_calls, function_call)) calls.add(called);
    extra = mergeDelta(extra, more) as object;
    // Some servers have an empty reason in each chunk.
    reason = choice.finish_reason || reason;
    isOver = Boolean(choice.finish_reason) && !content && !tool_calls && !function_call;
    const reasoned = text.reason(thoughtIn(more, content));
    const piece = textIn(content);
    return reasoned === undefined ? text.add(piece) : reasoned.then(() => text.add(piece));
  };
  await takeEvents(arrivals, take, { isComplete: () => isOver });
  const end = answerEndOf(reason);
  if (end === undefined && bareFailure !== undefined) throw bareFailure;
  await text.end();
  const toolCalls = calls.calls.map((call) => ({ ...call, id: ids.take(call.id) }));
  return {
    text: text.text,
    toolCalls: toolCalls.map(({ id, name, json }) => ({ callId: id, tool: name, input: json })),
    refusal,
    end,
    reason,
    ...readWireUsage(counts),
    citations: [...annotationsOf((extra as Annotated).annotations, text.text), ...sources],
    serverToolCalls: executedTools((extra as Annotated).executed_tools),
    serviceTier,
    model,
    message: assistantMessage(parts.length > 0 ? parts : text.raw, toolCalls, extra),
  };
}

interface Annotated {
  readonly annotations?: unknown;
  /** Groq's: the calls of its own tools. */
  readonly executed_tools?: unknown;
}

const NO_CALLS: readonly CallPiece[] = [];

/** Some servers send one call instead of a list, or have the field of the older API. */
function callsIn(calls: unknown, older: unknown): readonly CallPiece[] {
  if (Array.isArray(calls)) return calls.filter((each) => each != null);
  if (typeof calls === 'object' && calls !== null && Object.keys(calls).length > 0) return [calls];
  return older == null ? NO_CALLS : [{ index: 0, function: older }];
}

/** Some servers send a part or a list of parts, some of which are thoughts of the model. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(textOfPart).join('');
  if (typeof content === 'number' || typeof content === 'boolean') return String(content);
  return textOfPart(content);
}

function textOfPart(part: unknown): string {
  const { type, text } = Object(part) as { type?: unknown; text?: unknown };
  return type === 'text' || type === 'output_text' ? String(text ?? '') : '';
}

/** Servers have no common name for the reasoning; some send it as parts of the content. */
function thoughtIn(delta: object, content: unknown): string {
  const { reasoning_content, reasoning } = delta as Record<string, unknown>;
  const apart = reasoning_content ?? reasoning;
  if (typeof apart === 'string') return apart;
  if (!Array.isArray(content)) return '';
  const thoughts = content.flatMap((part) => (part?.type === 'thinking' ? part.thinking : []));
  return thoughts
    .map((each) => (typeof each === 'string' ? each : String(each?.text ?? '')))
    .join('');
}

/** A message of the model, with all fields that the server gave it. */
function assistantMessage(
  content: string | unknown[],
  calls: readonly (JoinedCall & { readonly id: string })[],
  extra: object,
): ChatCompletionMessageParam {
  const message = { ...extra, role: 'assistant', content } as ChatCompletionAssistantMessageParam;
  if (calls.length === 0) return message;
  return {
    ...message,
    content: content.length > 0 ? message.content : null,
    tool_calls: calls.map(({ id, name, json, extra }) => ({
      ...extra,
      id,
      type: 'function',
      function: {
        ...Object(extra).function,
        name: replayedName(name),
        arguments: inputJson(json),
      },
    })),
  };
}
