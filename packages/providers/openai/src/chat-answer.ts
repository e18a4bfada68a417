import type { Citation, RunContext } from '@stratagem/core';
import {
  AnswerText,
  type Arrivals,
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
  arrivals: Arrivals<Chunk> | Iterable<readonly Chunk[]>,
  emit?: RunContext['emit'],
  ids = new CallIds(),
): Promise<ChatAnswer> {
  const answer = new ChatAccumulator(emit);
  await takeEvents(arrivals, (chunk) => answer.take(chunk), {
    isComplete: () => answer.isComplete,
    isCounted: () => answer.isCounted,
  });
  return answer.end(ids);
}

/** Joins the chunks of one answer. */
class ChatAccumulator {
  readonly #calls = new ToolCallAccumulator();
  readonly #text: AnswerText;
  readonly #parts: unknown[] = [];
  #extra: object = {};
  #refusal = '';
  #reason: string | undefined;
  #model: string | undefined;
  #counts: unknown;
  #serviceTier: string | undefined;
  #sources: Citation[] = [];
  /** The choice that is the answer. */
  #index: unknown;
  #isComplete = false;
  #hasPiece = false;
  /** Whether a piece of the answer came without a reason. */
  #hasUnmarkedPiece = false;
  #bareFailure: Error | undefined;

  constructor(emit: RunContext['emit'] | undefined) {
    this.#text = new AnswerText(emit);
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get isCounted(): boolean {
    return this.#counts !== undefined;
  }

  /** Returns a promise while the reader of the text is behind. */
  take(chunk: Chunk): Promise<void> | undefined {
    requireNoError(chunk);
    // The first chunk of Azure has an empty one.
    this.#model ||= chunk.model;
    const before = this.#counts;
    this.#counts = countsIn(chunk, before);
    this.#serviceTier = chunk.service_tier ?? this.#serviceTier;
    const listed = listedSources(chunk);
    if (listed.length > 0) this.#sources = listed;
    const choice = choiceIn(chunk.choices, this.#index);
    if (choice !== undefined) return this.#takeChoice(choice);
    // The counts of an answer follow its end.
    if (this.#reason !== undefined && this.#counts !== before) this.#isComplete = true;
    this.#bareFailure ??= bareFailureIn(chunk);
    return undefined;
  }

  #takeChoice(choice: Choice): Promise<void> | undefined {
    this.#index ??= choice.index ?? undefined;
    const {
      content,
      refusal,
      tool_calls,
      function_call,
      role: _,
      ...more
    } = (choice.delta ?? choice.message ?? {}) as Delta;
    if (Array.isArray(content)) mergeDelta(this.#parts, content);
    if (typeof refusal === 'string') this.#refusal += refusal;
    const called = callsIn(tool_calls, function_call);
    for (const each of called) this.#calls.add(each);
    this.#extra = mergeDelta(this.#extra, more) as object;
    const thought = thoughtIn(more, content);
    this.#note(choice.finish_reason, Boolean(content || thought || refusal) || called.length > 0);
    const reasoned = this.#text.reason(thought);
    const piece = textIn(content);
    return reasoned === undefined
      ? this.#text.add(piece)
      : reasoned.then(() => this.#text.add(piece));
  }

  /** Notes whether the answer has ended. Some servers have a reason in each chunk, also an empty one. */
  #note(reason: Choice['finish_reason'] | undefined, hasPiece: boolean): void {
    if (reason) this.#reason = reason;
    if (hasPiece) {
      this.#isComplete = Boolean(reason) && this.#hasUnmarkedPiece;
      this.#hasUnmarkedPiece ||= !reason;
      this.#hasPiece = true;
    } else if (reason) this.#isComplete = this.#hasPiece || reason !== 'stop';
  }

  async end(ids: CallIds): Promise<ChatAnswer> {
    const [reason, text, extra] = [this.#reason, this.#text, this.#extra as Annotated];
    const end = answerEndOf(reason);
    if (end === undefined && this.#bareFailure !== undefined) throw this.#bareFailure;
    await text.end();
    const calls = this.#calls.calls.map((call) => ({ ...call, id: ids.take(call.id) }));
    return {
      text: text.text,
      toolCalls: calls.map(({ id, name, json }) => ({ callId: id, tool: name, input: json })),
      refusal: this.#refusal,
      end,
      reason,
      ...readWireUsage(this.#counts),
      citations: [...annotationsOf(extra.annotations, text.text), ...this.#sources],
      serverToolCalls: executedTools(extra.executed_tools),
      serviceTier: this.#serviceTier,
      model: this.#model,
      message: assistantMessage(this.#parts.length > 0 ? this.#parts : text.raw, calls, extra),
    };
  }
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
