import type { Citation, RunContext } from '@stratagem/core';
import {
  AnswerText,
  answerEndOf,
  CallIds,
  type Dialogue,
  inputJson,
  type ModelAnswer,
  type RequestAttachment,
  readWireUsage,
  refuseAttachment,
  requestAnswer,
  type ToolChoice,
  type TurnInput,
  textOfAttachment,
  toolChoiceFor,
  toolParametersOf,
  urlOf,
  withProviderOptions,
} from '@stratagem/core/runner';
import type {
  ChatCompletion,
  ChatCompletionAssistantMessageParam,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsBase,
  ChatCompletionMessageParam,
  ChatCompletionToolChoiceOption,
  ChatCompletionUserMessageParam,
} from 'openai/resources/chat/completions';
import { annotationsOf, listedSources } from './citations.js';
import type { OpenAIBodyContext, OpenAIRequestContext } from './context.js';
import { countsIn } from './counts.js';
import { deliveryFields } from './delivery.js';
import { effortOf } from './effort.js';
import type { WireFormat } from './format.js';
import { limitFieldOf, switchLimitField } from './limit-field.js';
import { mergeDelta } from './merge-delta.js';
import type { OpenAIOptions } from './options.js';
import { executedTools, refuseServerTools } from './server-tools.js';
import { requireNoError } from './stream-error.js';
import { type CallPiece, type JoinedCall, ToolCallAccumulator } from './tool-calls.js';

/** A conversation through Chat Completions. Each request contains the whole history. */
export function chatDialogue(context: OpenAIRequestContext): Dialogue {
  const { client, emit, options, request } = context;
  const history = initialMessages(options);
  const ids = new CallIds();
  return {
    async send(input) {
      history.push(...messagesOf(input));
      const ask = () => {
        const body = chatBody(history, context);
        return requestAnswer(context, {
          send: (streams) =>
            client.chat.completions.create(streams ? streamed(body) : body, request),
          read: (chunks: AsyncIterable<Chunk>) => readChunks(chunks, emit, ids),
          readWhole: (completion, emit) => readChunks(chunksOf(completion), emit, ids),
        });
      };
      const { message, ...answer } = await ask().catch(async (thrown) => {
        await switchLimitField(thrown, context);
        return ask();
      });
      history.push(message);
      return answer;
    },
  };
}

/** The body of a request for a stream. */
function streamed(body: ChatCompletionCreateParamsBase): ChatCompletionCreateParamsBase {
  return { ...body, stream: true, stream_options: { include_usage: true, ...body.stream_options } };
}

/** The messages before the first prompt. */
export function initialMessages({ instructions }: OpenAIOptions): ChatCompletionMessageParam[] {
  return instructions === undefined ? [] : [{ role: 'system', content: instructions }];
}

/** The body of a request for Chat Completions. */
export function chatBody(
  history: readonly ChatCompletionMessageParam[],
  { client, label, model, options, format, tools }: OpenAIBodyContext,
): ChatCompletionCreateParamsBase {
  const isFirst = history.every(({ role }) => role !== 'assistant');
  refuseServerTools(options, label);
  const toolChoice = toolChoiceFor(options, tools, isFirst);
  const body = {
    model,
    messages: [...history],
    temperature: options.temperature,
    top_p: options.topP,
    seed: options.seed,
    stop: options.stopSequences && [...options.stopSequences],
    reasoning_effort: effortOf(options, label),
    ...deliveryFields(options),
    ...(toolChoice && { tool_choice: wireChoice(toolChoice) }),
    [limitFieldOf(client, model)]: options.maxOutputTokens,
    ...(format.wire && { response_format: responseFormat(format.wire) }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        function: { name, description, parameters: toolParametersOf(inputSchema) },
      })),
    }),
  };
  return withProviderOptions(body, 'openai', options);
}

function wireChoice(choice: ToolChoice): ChatCompletionToolChoiceOption {
  if (typeof choice === 'string') return choice;
  return { type: 'function', function: { name: choice.toolName } };
}

function responseFormat(wire: WireFormat) {
  if (wire.type === 'json_object') return wire;
  const { type, ...jsonSchema } = wire;
  return { type, json_schema: jsonSchema };
}

function messagesOf(input: TurnInput): ChatCompletionMessageParam[] {
  if (input.kind === 'tool_results') {
    return input.results.map(({ callId, result }) => ({
      role: 'tool',
      tool_call_id: callId,
      content: result.text,
    }));
  }
  return [{ role: 'user', content: input.kind === 'prompt' ? chatContent(input) : input.text }];
}

/** The content of a message of the user: a text, or the attachments and the text. */
export function chatContent({
  text,
  attachments = [],
}: Pick<Prompt, 'text' | 'attachments'>): ChatCompletionUserMessageParam['content'] {
  if (attachments.length === 0) return text;
  return [...attachments.map(chatPart), { type: 'text', text }];
}

function chatPart(attachment: RequestAttachment): ChatCompletionContentPart {
  const { filename, mediaType } = attachment;
  const text = textOfAttachment(attachment);
  if (text !== undefined) return { type: 'text', text };
  const url = urlOf(attachment);
  if (mediaType.startsWith('image/')) return { type: 'image_url', image_url: { url } };
  if (attachment.data === undefined) {
    const remedy = "use api: 'responses', or the path of a file";
    refuseAttachment(
      attachment,
      `is an address, which Chat Completions takes of images alone; ${remedy}`,
    );
  }
  return { type: 'file', file: { filename, file_data: url } };
}

/** A text of the user. */
type Prompt = Exclude<TurnInput, { kind: 'tool_results' | 'correction' }>;

/** Compatible servers omit parts of a chunk that the types require. */
type Chunk = Partial<ChatCompletionChunk>;
type Delta = Partial<ChatCompletionChunk.Choice.Delta>;

/** A completion that was not streamed, as one chunk. */
export function chunksOf(completion: Partial<ChatCompletion>): Chunk[] {
  const { choices, ...rest } = completion;
  const [choice] = Array.isArray(choices) ? choices : [];
  if (choice == null) return [];
  const { message, finish_reason = 'stop' } = choice;
  const given: unknown = message?.tool_calls;
  const tool_calls = Array.isArray(given)
    ? given.map((call, index) => ({ ...call, index }))
    : given;
  const delta = { ...message, tool_calls } as Delta;
  return [{ ...rest, choices: [{ ...choice, index: 0, delta, finish_reason }] } as Chunk];
}

export interface ChatAnswer extends ModelAnswer {
  /** The message to repeat in the next request. */
  readonly message: ChatCompletionMessageParam;
}

/**
 * Reads the chunks of an answer, and emits its text.
 *
 * @param ids The ids of the calls in the conversation so far.
 */
export async function readChunks(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
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
  for await (const chunk of chunks) {
    if (chunk == null) continue;
    requireNoError(chunk);
    // The first chunk of Azure has an empty one.
    model ||= chunk.model;
    counts = countsIn(chunk, counts);
    serviceTier = chunk.service_tier ?? serviceTier;
    const listed = listedSources(chunk);
    if (listed.length > 0) sources = listed;
    const choice = chunk.choices?.[0];
    if (choice == null) continue;
    const {
      content,
      refusal: refused,
      tool_calls,
      function_call,
      role: _,
      ...more
    } = (choice.delta ?? {}) as Delta;
    const thought = thoughtIn(more, content);
    if (thought !== '') await text.reason(thought);
    const piece = textIn(content);
    if (piece !== '') await text.add(piece);
    if (Array.isArray(content)) mergeDelta(parts, content);
    if (refused) refusal += refused;
    for (const called of callsIn(tool_calls, function_call)) calls.add(called);
    extra = mergeDelta(extra, more) as object;
    // Some servers have an empty reason in each chunk.
    reason = choice.finish_reason || reason;
  }
  await text.end();
  const toolCalls = calls.calls.map((call) => ({ ...call, id: ids.take(call.id) }));
  return {
    text: text.text,
    toolCalls: toolCalls.map(({ id, name, json }) => ({ callId: id, tool: name, input: json })),
    refusal,
    end: answerEndOf(reason),
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
      function: { ...Object(extra).function, name, arguments: inputJson(json) },
    })),
  };
}
