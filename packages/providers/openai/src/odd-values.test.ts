import { RunnerError } from '@stratagem/core';
import { CallIds, ServerFailure } from '@stratagem/core/runner';
import { misreadVariants } from '@stratagem/test-kit';
import OpenAI, { APIError } from 'openai';
import { expect, test } from 'vitest';
import { chunksOf, readChunks } from './chat-answer.js';
import { readEvents, readResponse } from './responses-answer.js';

/** Any part of an answer may be null or of another type. Then it is left out, or the answer has an error. */
const noEmit = async () => {};
const note = { name: 'note', arguments: '{"n":1}' };
const usage = {
  ...{ prompt_tokens: 5, completion_tokens: 2, cost: 0.1 },
  prompt_tokens_details: { cached_tokens: 1 },
};
const message = {
  ...{ role: 'assistant', content: 'Hi', reasoning_content: 'Hm' },
  annotations: [{ type: 'url_citation', url_citation: { url: 'u', start_index: 0, end_index: 1 } }],
  executed_tools: [
    { type: 'search', arguments: '{"query":"q"}', search_results: { results: [{ url: 'u' }] } },
  ],
  tool_calls: [{ index: 0, id: 'c', type: 'function', function: note }],
};
const around = {
  ...{ id: 'a', model: 'm', service_tier: 'flex', usage, citations: ['u'] },
  ...{ search_results: [{ url: 'u', title: 't' }], x_groq: { usage }, meta: { tokens: {} } },
  ...{ timings: { prompt_n: 1 }, usageMetadata: { promptTokenCount: 1 }, base_resp: {} },
};

test('chunks of Chat Completions', async () => {
  const choice = { index: 0, delta: message, finish_reason: 'tool_calls', usage };
  const chunks = [{ ...around, choices: [choice] }];
  const misread = await misreadVariants(chunks, ServerFailure, (variant) =>
    readChunks([Array.isArray(variant) ? variant : [variant]], noEmit),
  );
  expect(misread).toEqual([]);
});

test('completions that are not streamed', async () => {
  const completion = { ...around, choices: [{ index: 0, message, finish_reason: 'stop' }] };
  const misread = await misreadVariants(completion, ServerFailure, (variant) =>
    readChunks([chunksOf(Object(variant))], noEmit),
  );
  expect(misread).toEqual([]);
});

const output = [
  { type: 'reasoning', id: 'r', summary: [{ text: 's' }], content: [{ text: 't' }] },
  { type: 'web_search_call', id: 'w', action: { type: 'search', sources: [{ url: 'u' }] } },
  {
    ...{ type: 'code_interpreter_call', id: 'x', container_id: 'c1', code: 'c' },
    outputs: [{ type: 'logs', logs: 'l' }],
  },
  { type: 'function_call', id: 'f', call_id: 'c', ...note },
  {
    ...{ type: 'message', id: 'm', role: 'assistant' },
    content: [
      {
        ...{ type: 'output_text', text: 'Hi' },
        annotations: [
          { type: 'container_file_citation', file_id: 'f', container_id: 'c1' },
          { type: 'url_citation', url: 'u', start_index: 0, end_index: 1 },
        ],
      },
      { type: 'refusal', refusal: 'no' },
    ],
  },
];
const response = {
  ...{ id: 'r', status: 'completed', model: 'm', error: null, incomplete_details: null, output },
  usage: { input_tokens: 1, output_tokens: 2, output_tokens_details: { reasoning_tokens: 1 } },
};

test('responses that are not streamed', async () => {
  const misread = await misreadVariants(response, RunnerError, (variant) => readResponse(variant));
  expect(misread).toEqual([]);
});

test('events of the Responses API', async () => {
  const client = new OpenAI({ apiKey: 'sk-test' });
  const events = [
    { type: 'response.output_item.added', output_index: 0, item: output[3] },
    { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"n":1}' },
    { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"n":1}' },
    { type: 'response.reasoning_text.delta', delta: 'Hm' },
    { type: 'response.output_text.delta', delta: 'Hi' },
    { type: 'response.refusal.delta', delta: 'no' },
    { type: 'response.output_item.done', output_index: 1, item: output[4] },
    { type: 'response.completed', response: { ...response, output: [] } },
  ];
  const failed = [{ type: 'response.failed', response: { error: { message: 'x' } } }];
  for (const stream of [events, failed]) {
    const misread = await misreadVariants(stream, APIError, (variant) =>
      readEvents(
        [Array.isArray(variant) ? variant : [variant]],
        { client, emit: noEmit },
        new CallIds(),
      ),
    );
    expect(misread).toEqual([]);
  }
});
