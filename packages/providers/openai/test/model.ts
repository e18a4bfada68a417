import type { ModelReply, Received, Reply } from '@stratagem/test-kit';
import { stream } from './streams.js';

/** Whether the last message of a request is the result of a tool. */
export function isToolResult({ body }: Received): boolean {
  const messages = (body.messages ?? body.input) as unknown;
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  return last?.role === 'tool' || last?.type === 'function_call_output';
}

/** A stream with this answer, in the format of the requested API. */
export function saying(reply: ModelReply, headers = {}): Reply {
  return (response, received) => {
    const isChat = received.path?.includes('/chat/completions');
    stream(isChat ? chatChunks(reply) : responseEvents(reply), headers)(response, received);
  };
}

/** The stream of a response, without fields that do not matter. */
export function responseEvents(
  { text = '', calls = [] }: ModelReply,
  status: string | null = 'completed',
): object[] {
  const output = [
    ...calls.map(({ name, input }, position) => ({
      type: 'function_call',
      id: `fc_${position}`,
      call_id: `call_${position}`,
      name,
      arguments: JSON.stringify(input),
      status: 'completed',
    })),
    ...(text === ''
      ? []
      : [
          {
            type: 'message',
            id: 'msg_1',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text, annotations: [] }],
          },
        ]),
  ];
  const usage = { input_tokens: 12, output_tokens: 3, total_tokens: 15 };
  const response = { id: 'resp_1', status, model: 'a-model-2026', output, usage };
  return [
    { type: 'response.created', response: { ...response, output: [] } },
    ...pieces(text).map((delta) => ({ type: 'response.output_text.delta', delta })),
    { type: 'response.completed', response },
  ];
}

/** The chunks of Chat Completions; the arguments of calls arrive in pieces. */
export function chatChunks(
  { text = '', calls = [] }: ModelReply,
  reason: string | null = calls.length > 0 ? 'tool_calls' : 'stop',
): object[] {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    model: 'a-model-2026',
    choices: [{ index: 0, delta, finish_reason }],
  });
  return [
    chunk({ role: 'assistant', content: '' }),
    ...pieces(text).map((content) => chunk({ content })),
    ...calls.flatMap(({ name, input }, index) => [
      chunk({
        tool_calls: [
          { index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } },
        ],
      }),
      ...pieces(JSON.stringify(input)).map((piece) =>
        chunk({ tool_calls: [{ index, function: { arguments: piece } }] }),
      ),
    ]),
    chunk({}, reason),
    {
      id: 'chatcmpl-1',
      model: 'a-model-2026',
      choices: [],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
    },
  ];
}

function pieces(text: string): string[] {
  return text.match(/.{1,7}/gs) ?? [];
}
