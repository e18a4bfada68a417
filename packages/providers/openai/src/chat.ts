import type { Usage } from '@stratagem/core';
import type { Dialogue, ToolCall, TurnInput } from '@stratagem/core/provider';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParamsBase,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import type { Answer } from './answer.js';
import { isOpenAI } from './client.js';
import { exchange, type Question } from './exchange.js';
import type { WireFormat } from './format.js';
import type { OpenAIOptions } from './options.js';

/** Asks through Chat Completions; each turn says all that was said before. */
export function chatDialogue(question: Question): Dialogue {
  const { client, options, request } = question;
  const history = openingOf(options);
  return {
    async say(input) {
      history.push(...messagesOf(input));
      const body = chatBody(history, question);
      const turn = await exchange(
        question,
        () =>
          client.chat.completions.create(
            { ...body, stream: true, stream_options: { include_usage: true } },
            request,
          ),
        chunksOf,
        (chunks) => read(chunks, question),
      );
      history.push(assistantMessage(turn.text, turn.toolCalls));
      return turn;
    },
  };
}

/** What every conversation begins with. */
export function openingOf({
  instructions,
}: Pick<OpenAIOptions, 'instructions'>): ChatCompletionMessageParam[] {
  return instructions === undefined ? [] : [{ role: 'system', content: instructions }];
}

/** A request for Chat Completions. */
export function chatBody(
  history: readonly ChatCompletionMessageParam[],
  {
    client,
    model,
    options,
    format,
    tools,
  }: Pick<Question, 'client' | 'model' | 'options' | 'format' | 'tools'>,
): ChatCompletionCreateParamsBase {
  return {
    model,
    messages: [...history],
    temperature: options.temperature,
    // OpenAI has dropped max_tokens; of the compatible servers, many know nothing else.
    [isOpenAI(client.baseURL) ? 'max_completion_tokens' : 'max_tokens']: options.maxOutputTokens,
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

/** Compatible servers leave out parts of a chunk, whatever the types say. */
type Chunk = Partial<ChatCompletionChunk>;
type Delta = Partial<ChatCompletionChunk.Choice.Delta>;

/** A whole completion as the one chunk it amounts to. */
export function chunksOf({ model, usage, choices }: Partial<ChatCompletion>): Chunk[] {
  const [choice] = choices ?? [];
  if (choice === undefined) return [];
  const { content, refusal, tool_calls } = choice.message ?? {};
  const { finish_reason = 'stop' } = choice;
  const delta = {
    content,
    refusal,
    tool_calls: tool_calls?.map((call, index) => ({ ...call, index })),
  } as Delta;
  return [{ model, usage, choices: [{ index: 0, delta, finish_reason }] }];
}

/** Reads the chunks of an answer. */
export async function read(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  { emit }: Pick<Question, 'emit'>,
): Promise<Answer> {
  const calls = new CallsInPieces();
  let text = '';
  let refusal = '';
  let reason: string | undefined;
  let model: string | undefined;
  let usage: CompletionUsage | undefined;
  for await (const chunk of chunks) {
    // Azure begins with a chunk that has none.
    model ||= chunk.model;
    // In the last chunk, which has no choices; some servers count on from chunk to chunk.
    usage = chunk.usage ?? usage;
    const choice = chunk.choices?.[0];
    if (choice === undefined) continue;
    const { content, refusal: refused, tool_calls } = (choice.delta ?? {}) as Delta;
    const piece = textIn(content);
    if (piece !== '') {
      text += piece;
      await emit(piece);
    }
    if (refused) refusal += refused;
    for (const called of tool_calls ?? []) calls.add(called);
    reason = choice.finish_reason ?? reason;
  }
  return {
    text,
    toolCalls: calls.whole(),
    refusal,
    end: endOf(reason),
    usage: usage && usageOf(usage),
    model,
  };
}

/** Some servers give a list of parts, of which those that the model thought are not for us. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (part?.type === 'text' ? String(part.text ?? '') : '')).join('');
}

type CallPiece = NonNullable<Delta['tool_calls']>[number];

/** Tool calls, whose arguments arrive in pieces. */
class CallsInPieces {
  readonly #calls: { callId: string; tool: string; input: string }[] = [];
  readonly #byIndex = new Map<number, { input: string }>();

  add({ index, id, function: called }: CallPiece): void {
    const known = this.#byIndex.get(index ?? this.#calls.length);
    // Some servers give every call the index 0, and each a name.
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

  whole(): readonly ToolCall[] {
    return this.#calls;
  }
}

/** Some servers send arguments as the object they are. */
function textOf(piece: unknown): string {
  return typeof piece === 'string' ? piece : piece === undefined ? '' : JSON.stringify(piece);
}

function endOf(reason: string | undefined): Answer['end'] {
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

/** Undefined when a server does not count what it read and wrote. */
function usageOf(usage: CompletionUsage): Usage | undefined {
  const counts: unknown[] = [usage.prompt_tokens, usage.completion_tokens];
  if (!counts.every((count) => typeof count === 'number' && count >= 0)) return undefined;
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cachedInputTokens: usage.prompt_tokens_details?.cached_tokens,
    cacheWriteInputTokens: usage.prompt_tokens_details?.cache_write_tokens || undefined,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens,
  };
}
