import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { json, type Received, type Reply, streamsOf, type Wire } from '@stratagem/test-kit';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';

/** The answer of a test model in one step. */
export interface StepReply {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly input: object | string }[];
  readonly finish?: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';
  readonly headers?: Record<string, string>;
}

/** A model without a server. It gives these answers in order, and repeats the last one. */
export function mockOf(...script: readonly StepReply[]): MockLanguageModelV4 {
  let asked = 0;
  const next = () => script[Math.min(asked++, script.length - 1)] ?? {};
  return new MockLanguageModelV4({
    provider: 'test.chat',
    modelId: 'a-model',
    doStream: async () => {
      const said = next();
      const { headers } = said;
      return {
        stream: convertArrayToReadableStream(partsOf(said)),
        ...(headers && { response: { headers } }),
      };
    },
    doGenerate: async () => {
      const said = next();
      const { text = '', headers } = said;
      const parts = partsOf(said);
      const finish = parts.find((part) => part.type === 'finish') as FinishPart;
      return {
        content: [
          ...(text === '' ? [] : [{ type: 'text' as const, text }]),
          ...parts.filter((part) => part.type === 'tool-call'),
        ],
        ...{ finishReason: finish.finishReason, usage: finish.usage, warnings: [] },
        response: { id: 'chat-1', modelId: 'a-model-2026', ...(headers && { headers }) },
      };
    },
  });
}

type FinishPart = Extract<LanguageModelV4StreamPart, { type: 'finish' }>;

/** The calls of a mock, in either mode. */
export function callsOf({ doStreamCalls, doGenerateCalls }: MockLanguageModelV4) {
  return [...doStreamCalls, ...doGenerateCalls];
}

/** The stream of a provider for the SDK. */
export function partsOf({ text = '', calls = [], finish }: StepReply): LanguageModelV4StreamPart[] {
  const unified = finish ?? (calls.length > 0 ? 'tool-calls' : 'stop');
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', id: 'chat-1', modelId: 'a-model-2026' },
    ...(text === '' ? [] : [{ type: 'text-start' as const, id: '1' }]),
    ...pieces(text).map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
    ...(text === '' ? [] : [{ type: 'text-end' as const, id: '1' }]),
    ...calls.map(({ name, input }, position) => ({
      type: 'tool-call' as const,
      toolCallId: `call_${position}`,
      toolName: name,
      input: typeof input === 'string' ? input : JSON.stringify(input),
    })),
    {
      type: 'finish',
      finishReason: { unified, raw: finish === 'other' ? undefined : unified },
      usage: {
        inputTokens: { total: 100, noCache: 30, cacheRead: 60, cacheWrite: 10 },
        outputTokens: { total: 40, text: 15, reasoning: 25 },
      },
    },
  ];
}

export const apiKey = 'planted-key-0123456789';
export const teamKey = 'planted-team-0123456789';

/** A model behind a server that speaks OpenAI's protocol. */
export function compatible(baseURL: string, options = {}) {
  return createOpenAICompatible({
    name: 'test',
    baseURL,
    apiKey,
    headers: { 'x-team-key': teamKey },
    includeUsage: true,
    // Otherwise the SDK would fetch addresses itself.
    supportedUrls: () => ({ 'image/*': [/^https:/] }),
    ...options,
  }).chatModel('a-model');
}

export const WIRE: Wire<object> = {
  write: (event) => `data: ${JSON.stringify(event)}\n\n`,
  end: 'data: [DONE]\n\n',
};

const streams = streamsOf(WIRE);
export const { hang } = streams;

/** A stream of these chunks, or the whole completion of them where none is asked for. */
export function stream(chunks: readonly object[], headers?: Record<string, string>): Reply {
  return (response, received) => {
    const isWhole = received.body.stream !== true && chunks.some((chunk) => 'choices' in chunk);
    const reply = isWhole
      ? json(200, wholeOf(chunks as readonly Chunk[]), headers)
      : streams.stream(chunks, headers);
    reply(response, received);
  };
}

/** A stream with this answer. */
export function saying(said: StepReply, headers = {}): Reply {
  return stream(chunksOf(said), headers);
}

/** Chunks of Chat Completions. */
export function chunksOf(
  { text = '', calls = [] }: StepReply,
  reason: string | null = calls.length > 0 ? 'tool_calls' : 'stop',
): Chunk[] {
  const chunk = (delta: Delta, finish_reason: string | null = null) => ({
    id: 'chatcmpl-1',
    model: 'a-model-2026',
    choices: [{ index: 0, delta, finish_reason }],
  });
  return [
    ...pieces(text).map((content) => chunk({ content })),
    ...calls.map(({ name, input }, index) =>
      chunk({
        tool_calls: [
          {
            index,
            id: `call_${index}`,
            type: 'function',
            function: { name, arguments: JSON.stringify(input) },
          },
        ],
      }),
    ),
    chunk({}, reason),
    {
      id: 'chatcmpl-1',
      model: 'a-model-2026',
      choices: [],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
    },
  ];
}

/** The completion that these chunks are the stream of. */
export function wholeOf(chunks: readonly Chunk[]): object {
  const message: Delta = {};
  let finish_reason: string | null = null;
  for (const { choices } of chunks) {
    for (const { delta, finish_reason: reason = null } of choices ?? []) {
      finish_reason ??= reason;
      for (const name of ['content', 'reasoning_content'] as const) {
        if (delta[name] !== undefined) message[name] = (message[name] ?? '') + delta[name];
      }
      if (delta.tool_calls)
        message.tool_calls = [...(message.tool_calls ?? []), ...delta.tool_calls];
    }
  }
  return {
    ...Object.assign({}, ...chunks),
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
  };
}

interface Delta {
  content?: string;
  reasoning_content?: string;
  tool_calls?: readonly object[];
}

interface Chunk {
  readonly id?: string;
  readonly model?: string;
  readonly usage?: object;
  readonly choices?: readonly { readonly delta: Delta; readonly finish_reason?: string | null }[];
}

/** Whether the last message of a request is the result of a tool. */
export function isToolResult({ body }: Received): boolean {
  return (body.messages as { role: string }[]).at(-1)?.role === 'tool';
}

function pieces(text: string): string[] {
  return text.match(/.{1,7}/gs) ?? [];
}
