import type { RunContext } from '@stratagem/core';
import {
  type AnswerEnd,
  type Dialogue,
  type ModelAnswer,
  readWireUsage,
  requestAnswer,
  type ToolCall,
  type TurnInput,
} from '@stratagem/core/runner';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParamsBase,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import type { OpenAIBodyContext, OpenAIRequestContext } from './context.js';
import { countsIn } from './counts.js';
import type { WireFormat } from './format.js';
import type { OpenAIOptions } from './options.js';
import { isOpenAI } from './sdk.js';
import { requireNoError } from './stream-error.js';

/** A conversation through Chat Completions. Each request contains the whole history. */
export function chatDialogue(context: OpenAIRequestContext): Dialogue {
  const { client, emit, options, request } = context;
  const history = initialMessages(options);
  return {
    async send(input) {
      history.push(...messagesOf(input));
      const body = chatBody(history, context);
      const answer = await requestAnswer(context, {
        send: () =>
          client.chat.completions.create(
            { ...body, stream: true, stream_options: { include_usage: true } },
            request,
          ),
        read: (chunks) => readChunks(chunks, emit),
        readWhole: (completion) => readChunks(chunksOf(completion), emit),
      });
      history.push(assistantMessage(answer.text, answer.toolCalls));
      return answer;
    },
  };
}

/** The messages before the first prompt. */
export function initialMessages({ instructions }: OpenAIOptions): ChatCompletionMessageParam[] {
  return instructions === undefined ? [] : [{ role: 'system', content: instructions }];
}

/** The body of a request for Chat Completions. */
export function chatBody(
  history: readonly ChatCompletionMessageParam[],
  { client, model, options, format, tools }: OpenAIBodyContext,
): ChatCompletionCreateParamsBase {
  return {
    model,
    messages: [...history],
    temperature: options.temperature,
    // OpenAI no longer accepts max_tokens; many compatible servers accept nothing else.
    [isOpenAI(client) ? 'max_completion_tokens' : 'max_tokens']: options.maxOutputTokens,
    ...(format.wire && { response_format: responseFormat(format.wire) }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        function: { name, description, parameters: inputSchema },
      })),
    }),
  };
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
  return [{ role: 'user', content: input.text }];
}

function assistantMessage(
  content: string,
  calls: readonly ToolCall[] = [],
): ChatCompletionMessageParam {
  if (calls.length === 0) return { role: 'assistant', content };
  return {
    role: 'assistant',
    content: content || null,
    tool_calls: calls.map(({ callId, tool, input }) => ({
      id: callId,
      type: 'function',
      function: { name: tool, arguments: input as string },
    })),
  };
}

/** Compatible servers omit parts of a chunk that the types require. */
type Chunk = Partial<ChatCompletionChunk>;
type Delta = Partial<ChatCompletionChunk.Choice.Delta>;

/** A completion that was not streamed, as one chunk. */
export function chunksOf(completion: Partial<ChatCompletion>): Chunk[] {
  const { choices, ...rest } = completion;
  const [choice] = choices ?? [];
  if (choice === undefined) return [];
  const { content, refusal, tool_calls } = choice.message ?? {};
  const { finish_reason = 'stop' } = choice;
  const delta = {
    content,
    refusal,
    tool_calls: tool_calls?.map((call, index) => ({ ...call, index })),
  } as Delta;
  return [{ ...rest, choices: [{ ...choice, delta, finish_reason }] } as Chunk];
}

/** Reads the chunks of an answer, and emits its text. */
export async function readChunks(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  emit?: RunContext['emit'],
): Promise<ModelAnswer> {
  const calls = new ToolCallAccumulator();
  let text = '';
  let refusal = '';
  let reason: string | undefined;
  let model: string | undefined;
  let counts: unknown;
  for await (const chunk of chunks) {
    requireNoError(chunk);
    // The first chunk of Azure has an empty one.
    model ||= chunk.model;
    counts = countsIn(chunk, counts);
    const choice = chunk.choices?.[0];
    if (choice === undefined) continue;
    const { content, refusal: refused, tool_calls } = (choice.delta ?? {}) as Delta;
    const piece = textIn(content);
    if (piece !== '') {
      text += piece;
      await emit?.(piece);
    }
    if (refused) refusal += refused;
    for (const called of tool_calls ?? []) calls.add(called);
    reason = choice.finish_reason ?? reason;
  }
  return {
    text,
    toolCalls: calls.calls,
    refusal,
    end: finishEnd(reason),
    ...readWireUsage(counts),
    model,
  };
}

/** Some servers send a list of parts, some of which are thoughts of the model. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (part?.type === 'text' ? String(part.text ?? '') : '')).join('');
}

type CallPiece = NonNullable<Delta['tool_calls']>[number];

/** Joins tool calls, whose arguments arrive in pieces. */
class ToolCallAccumulator {
  readonly #calls: { callId: string; tool: string; input: string }[] = [];
  readonly #byIndex = new Map<number, { input: string }>();

  add({ index, id, function: called }: CallPiece): void {
    const known = this.#byIndex.get(index ?? this.#calls.length);
    // Some servers give every call the index 0; a new name and id begin a new call.
    if (known === undefined || (called?.name && id)) {
      const call = {
        callId: id || `call-${this.#calls.length + 1}`,
        tool: called?.name ?? '',
        input: textOf(called?.arguments),
      };
      this.#calls.push(call);
      this.#byIndex.set(index ?? this.#calls.length - 1, call);
    } else known.input += textOf(called?.arguments);
  }

  get calls(): readonly ToolCall[] {
    return this.#calls;
  }
}

/** Some servers send arguments as an object instead of its JSON. */
function textOf(piece: unknown): string {
  return typeof piece === 'string' ? piece : piece === undefined ? '' : JSON.stringify(piece);
}

function finishEnd(reason: string | undefined): AnswerEnd | undefined {
  switch (reason) {
    case undefined:
      return undefined;
    case 'length':
      return 'truncated';
    case 'content_filter':
      return 'filtered';
    default:
      return 'complete';
  }
}
