import { RunnerError } from '@stratagem/core';
import { CallIds } from '@stratagem/core/runner';
import { misreadVariants } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { readBody, readEvents, readMessage } from './answer.js';

/** Any part of an answer may be null or of another type. Then it is left out, or the answer has an error. */
const noEmit = async () => {};
const message = {
  ...{ id: 'm', type: 'message', role: 'assistant', model: 'c', stop_reason: 'end_turn' },
  container: { id: 'c1' },
  usage: {
    ...{ input_tokens: 1, output_tokens: 2, cache_read_input_tokens: 1 },
    ...{ server_tool_use: { web_search_requests: 1 }, service_tier: 'standard' },
  },
  content: [
    { type: 'thinking', thinking: 't', signature: 's' },
    { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'q' } },
    { type: 'web_search_tool_result', tool_use_id: 's1', content: [{ url: 'u', title: 't' }] },
    { type: 'server_tool_use', id: 's2', name: 'bash_code_execution', input: { command: 'ls' } },
    {
      ...{ type: 'bash_code_execution_tool_result', tool_use_id: 's2' },
      content: { stdout: 'o', stderr: '', return_code: 0, content: [{ file_id: 'f' }] },
    },
    { type: 'text', text: 'Hi', citations: [{ url: 'u', title: 't', cited_text: 'c' }] },
    { type: 'tool_use', id: 't1', name: 'note', input: { n: 1 } },
  ],
};

test('whole messages', async () => {
  const read = (variant: object) => readMessage(Object(variant));
  expect(await misreadVariants(message, RunnerError, read)).toEqual([]);
  const readAny = (variant: object) => readBody(Object(variant), noEmit, new CallIds());
  expect(await misreadVariants(message, RunnerError, readAny)).toEqual([]);
});

test('events', async () => {
  const begin = (index: number, block: object) => ({
    ...{ type: 'content_block_start', index, content_block: block },
  });
  const delta = (index: number, piece: object) => ({
    ...{ type: 'content_block_delta', index, delta: piece },
  });
  const events = [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    begin(0, { type: 'text', text: '', citations: [] }),
    delta(0, { type: 'text_delta', text: 'Hi' }),
    delta(0, { type: 'citations_delta', citation: { cited_text: 'c', document_title: 'd' } }),
    begin(1, { type: 'thinking', thinking: '', signature: '' }),
    delta(1, { type: 'thinking_delta', thinking: 'Hm' }),
    delta(1, { type: 'signature_delta', signature: 's' }),
    begin(2, { type: 'tool_use', id: 't', name: 'note', input: {} }),
    delta(2, { type: 'input_json_delta', partial_json: '{"n":1}' }),
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ];
  const misread = await misreadVariants(events, RunnerError, (variant: object) =>
    readEvents(streamOf([Array.isArray(variant) ? variant : [variant]]), noEmit, new CallIds()),
  );
  expect(misread).toEqual([]);
});

async function* streamOf<T>(events: readonly T[]) {
  yield* events;
}
