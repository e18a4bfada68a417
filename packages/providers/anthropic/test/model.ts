import type { ModelReply, Received, Reply } from '@stratagem/test-kit';
import { type Event, stream } from './streams.js';

/** Whether the last message of a request is the result of a tool. */
export function isToolResult({ body }: Received): boolean {
  const last = (body.messages as { content: unknown }[]).at(-1)?.content;
  return Array.isArray(last) && last[0]?.type === 'tool_result';
}

/** A stream with this answer. */
export function saying(reply: ModelReply, headers = {}): Reply {
  return stream(messageEvents(reply), headers);
}

/** The events of a message; the inputs of tools arrive in pieces. */
export function messageEvents(
  { text = '', calls = [] }: ModelReply,
  reason: string | null = calls.length > 0 ? 'tool_use' : 'end_turn',
): Event[] {
  const blocks = [
    ...(text === '' ? [] : [textBlock(text)]),
    ...calls.map((call, position) => toolBlock(call, position)),
  ];
  return [
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'a-model-2026',
        content: [],
        usage: { input_tokens: 12, output_tokens: 1 },
      },
    },
    ...blocks.flatMap(({ block, deltas }, index) => [
      { type: 'content_block_start', index, content_block: block },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    {
      type: 'message_delta',
      delta: { stop_reason: reason },
      usage: { output_tokens: 3 },
    },
    { type: 'message_stop' },
  ];
}

function textBlock(text: string) {
  return {
    block: { type: 'text', text: '' },
    deltas: pieces(text).map((piece) => ({ type: 'text_delta', text: piece })),
  };
}

function toolBlock({ name, input }: { name: string; input: object }, position: number) {
  return {
    block: { type: 'tool_use', id: `toolu_${position}`, name, input: {} },
    deltas: pieces(JSON.stringify(input)).map((piece) => ({
      type: 'input_json_delta',
      partial_json: piece,
    })),
  };
}

function pieces(text: string): string[] {
  return text.match(/.{1,7}/gs) ?? [];
}
