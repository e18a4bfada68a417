import { createExecutor, createPlan, tool } from '@stratagem/core';
import { inOrder, json, type Received, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { isToolResult } from '../test/model.js';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';

interface ToolMessage {
  readonly role: string;
  readonly content: string;
  readonly tool_call_id: string;
}

const server = testServer('/v1');
const weather = tool({
  name: 'weather',
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`,
});
const plan = createPlan('Pack').addTask({
  id: 'a',
  description: 'What is the weather in Rome?',
  tools: [weather],
});
const run = () => {
  const runner = openai({ model: 'local', apiKey: 'none', baseURL: server.url });
  const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
  return executor.execute(plan);
};

const chunk = (delta: object, finish_reason: string | null = null, more = {}) => ({
  choices: [{ index: 0, delta, finish_reason, ...more }],
});
const call = (fields: object) => ({ tool_calls: [fields] });
const rome = '{"city":"Rome"}';

/** Tool calls as each server streams them. */
const CALLS: Record<string, object[]> = {
  'Ollama: whole, each with the index 0, and an end that is a stop': [
    chunk({
      role: 'assistant',
      content: '',
      tool_calls: [
        {
          id: 'call_1',
          index: 0,
          type: 'function',
          function: { name: 'weather', arguments: rome },
        },
      ],
    }),
    chunk({
      tool_calls: [
        {
          id: 'call_2',
          index: 0,
          type: 'function',
          function: { name: 'weather', arguments: '{"city":"Pisa"}' },
        },
      ],
    }),
    chunk({ role: 'assistant', content: '' }, 'stop'),
  ],
  'vLLM: in pieces, with reasoning beside it and counts in each chunk': [
    {
      ...chunk({ role: 'assistant', content: '' }),
      usage: { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 },
    },
    {
      ...chunk({ reasoning_content: 'Hm.' }),
      usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
    },
    chunk(
      call({ index: 0, id: 'chatcmpl-tool-1', type: 'function', function: { name: 'weather' } }),
    ),
    chunk(call({ index: 0, function: { arguments: '{"city":' } })),
    chunk(call({ index: 0, function: { arguments: ' "Rome"}' } })),
    chunk(
      call({
        index: 1,
        id: 'chatcmpl-tool-2',
        type: 'function',
        function: { name: 'weather', arguments: '' },
      }),
    ),
    chunk(call({ index: 1, function: { arguments: '{"city":"Pisa"}' } })),
    chunk({ content: '' }, 'tool_calls', { stop_reason: null }),
    { choices: [], usage: { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 } },
  ],
  'llama.cpp: without ids, with timings': [
    chunk({ role: 'assistant', content: null }),
    chunk(
      call({ index: 0, id: '', type: 'function', function: { name: 'weather', arguments: '{' } }),
    ),
    chunk(call({ index: 0, function: { arguments: '"city":"Rome"}' } })),
    chunk(
      call({
        index: 1,
        id: '',
        type: 'function',
        function: { name: 'weather', arguments: '{"city":"Pisa"}' },
      }),
    ),
    { ...chunk({}, 'tool_calls'), timings: { prompt_n: 1, predicted_per_second: 30.1 } },
  ],
  'LM Studio: numbered ids, and arguments as the object they are': [
    chunk({ role: 'assistant' }),
    chunk(
      call({
        index: 0,
        id: '365174485',
        type: 'function',
        function: { name: 'weather', arguments: { city: 'Rome' } },
      }),
    ),
    chunk(
      call({
        index: 1,
        id: '365174486',
        type: 'function',
        function: { name: 'weather', arguments: { city: 'Pisa' } },
      }),
    ),
    chunk({}, 'tool_calls'),
  ],
  'a server without indices, ids and types': [
    chunk(call({ function: { name: 'weather', arguments: rome } })),
    chunk(call({ function: { name: 'weather', arguments: '{"city":"Pisa"}' } })),
    chunk({}, 'stop'),
  ],
};

describe('tool calls can be read from', () => {
  test.each(Object.entries(CALLS))('%s', async (_, chunks) => {
    const answer = stream([chunk({ content: 'Sun hats.' }), chunk({}, 'stop')]);
    const reply: Reply = (response, received) =>
      (isToolResult(received) ? answer : stream(chunks))(response, received);
    server.replyWith(reply);
    const result = await run();
    expect(result.error).toBeUndefined();
    expect(result.outputs).toEqual({ a: 'Sun hats.' });
    const { messages } = (server.requests[1] as Received).body;
    const results = (messages as ToolMessage[]).filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => content)).toEqual(['sunny in Rome', 'sunny in Pisa']);
    const ids = new Set(results.map((message) => message.tool_call_id));
    expect(ids.size).toBe(2);
    expect([...ids].every((id) => id !== '')).toBe(true);
  });
});

/** One call, as servers announce, repeat and split it. */
const ONE_CALL: Record<string, object[]> = {
  'arguments that are null at first': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: null } })),
    chunk(call({ index: 0, id: null, function: { name: null, arguments: rome } })),
  ],
  'id and name in each piece': ['{"city', '":"Ro', 'me"}', ''].map((piece) =>
    chunk(
      call({
        index: 0,
        id: 'c1',
        type: 'function',
        function: { name: 'weather', arguments: piece },
      }),
    ),
  ),
  'another id in each piece': ['', '{"city', '":"Rome"}'].map((piece, position) =>
    chunk(
      call({
        index: 0,
        id: `chatcmpl-tool-${position}`,
        function: { ...(position === 0 && { name: 'weather' }), arguments: piece },
      }),
    ),
  ),
  'its pieces at two indexes': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } })),
    chunk(call({ index: 1, id: 'c1', function: { arguments: '{"city":' } })),
    chunk(call({ index: 1, function: { arguments: '"Rome"}' } })),
  ],
  'itself at two indexes': [0, 1].map((index) =>
    chunk(call({ index, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ),
  'an announcement at one index, and itself at another': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{}' } })),
    chunk(call({ index: 1, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ],
  'empty arguments before the whole ones': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{}' } })),
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ],
  'empty arguments before the pieces': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{}' } })),
    chunk(call({ index: 0, function: { arguments: '{"city"' } })),
    chunk(call({ index: 0, function: { arguments: ':"Rome"}' } })),
  ],
  'the whole arguments again at the end': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"city"' } })),
    chunk(call({ index: 0, function: { arguments: ':"Rome"}' } })),
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: rome } })),
  ],
  'no index, in pieces': [
    chunk(call({ id: 'c1', function: { name: 'weather', arguments: '' } })),
    chunk(call({ function: { arguments: '{"city":"R' } })),
    chunk(call({ function: { arguments: 'ome"}' } })),
  ],
  'an index only after the first piece': [
    chunk(call({ id: 'c1', function: { name: 'weather' } })),
    chunk(call({ index: 0, function: { arguments: rome } })),
  ],
  'a name that comes late': [
    chunk(call({ index: 0, id: 'c1', function: { arguments: '{"city":' } })),
    chunk(call({ index: 0, function: { arguments: '"Rome"}' } })),
    chunk(call({ index: 0, function: { name: 'weather' } })),
  ],
  'a name in pieces': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'wea', arguments: '' } })),
    chunk(call({ index: 0, function: { name: 'ther' } })),
    chunk(call({ index: 0, function: { arguments: rome } })),
  ],
  'a name that grows': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'wea', arguments: '' } })),
    chunk(call({ index: 0, function: { name: 'weather', arguments: rome } })),
  ],
  'arguments that grow': ['{"city', '{"city":"Ro', rome].map((piece) =>
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: piece } })),
  ),
  'an index for each piece': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } })),
    chunk(call({ index: 1, function: { arguments: '{"city":' } })),
    chunk(call({ index: 2, function: { arguments: '"Rome"}' } })),
  ],
  'strings that look like the end': [
    chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"x":"}\\"}",' } })),
    chunk(call({ index: 0, function: { arguments: '"city":"Rome"}' } })),
  ],
};

/** Runs the task on these calls, then on an answer in text; returns the second request. */
async function runOnCalls(chunks: readonly object[], execute?: (city: string) => void) {
  const answer = stream([chunk({ content: 'Sun hats.' }), chunk({}, 'stop')]);
  const reply: Reply = (response, received) => {
    const calls = stream([...chunks, chunk({}, 'tool_calls')]);
    (isToolResult(received) ? answer : calls)(response, received);
  };
  server.replyWith(reply);
  const counted = tool({
    ...weather,
    execute: ({ city }) => {
      execute?.(city);
      return `sunny in ${city}`;
    },
  });
  const runner = openai({ model: 'local', apiKey: 'none', baseURL: server.url });
  const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
  const tasks = [{ id: 'a', description: 'What is the weather in Rome?', tools: [counted] }];
  const result = await executor.execute({ goal: 'x', tasks });
  expect(result.error).toBeUndefined();
  return { result, messages: server.requests[1]?.body.messages as ToolMessage[] };
}

describe('one call is executed once when a server sends', () => {
  test.each(Object.entries(ONE_CALL))('%s', async (_, chunks) => {
    const cities: string[] = [];
    const { messages } = await runOnCalls(chunks, (city) => cities.push(city));
    expect(cities).toEqual(['Rome']);
    const [, asked, ...results] = messages as unknown as [object, object, ...ToolMessage[]];
    expect(asked).toMatchObject({ tool_calls: [{ function: { name: 'weather' } }] });
    expect(results).toMatchObject([{ role: 'tool', content: 'sunny in Rome' }]);
  });
});

describe('two calls stay two when a server sends', () => {
  const pisa = '{"city":"Pisa"}';
  const named = (fields: object, json: string) =>
    chunk(call({ ...fields, function: { name: 'weather', arguments: json } }));
  test.each<[string, object[]]>([
    [
      'the same id for both',
      [named({ index: 0, id: 'c' }, rome), named({ index: 1, id: 'c' }, pisa)],
    ],
    ['the index 0 and no ids', [named({ index: 0 }, rome), named({ index: 0 }, pisa)]],
    [
      'their pieces in turns',
      [
        named({ index: 0, id: 'c1' }, ''),
        named({ index: 1, id: 'c2' }, ''),
        chunk(call({ index: 0, function: { arguments: '{"city":' } })),
        chunk(call({ index: 1, function: { arguments: '{"city":"Pi' } })),
        chunk(call({ index: 0, function: { arguments: '"Rome"}' } })),
        chunk(call({ index: 1, function: { arguments: 'sa"}' } })),
      ],
    ],
    [
      'no index, in pieces',
      [
        named({ id: 'c1' }, '{"city"'),
        chunk(call({ function: { arguments: ':"Rome"}' } })),
        named({ id: 'c2' }, '{"city":'),
        chunk(call({ function: { arguments: '"Pisa"}' } })),
      ],
    ],
  ])('%s', async (_, chunks) => {
    const { messages } = await runOnCalls(chunks);
    const results = messages.filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => content)).toEqual(['sunny in Rome', 'sunny in Pisa']);
    expect(new Set(results.map((message) => message.tool_call_id)).size).toBe(2);
  });
});

test('arguments that are no JSON go back as an error, and into the history as JSON', async () => {
  const cities: string[] = [];
  const { result, messages } = await runOnCalls(
    [chunk(call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"city":"Ro' } }))],
    (city) => cities.push(city),
  );
  expect(cities).toEqual([]);
  expect(messages.slice(1)).toEqual([
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
    },
    {
      role: 'tool',
      tool_call_id: 'c1',
      content: 'Error: the input is not the JSON of an object: {"city":"Ro',
    },
  ]);
  expect(result.timeline).toContainEqual(
    expect.objectContaining({ kind: 'tool_call', input: '{"city":"Ro' }),
  );
});

describe('a message is repeated with the fields of its server:', () => {
  const asked = {
    index: 0,
    id: 'c1',
    type: 'function',
    function: { name: 'weather', arguments: rome },
  };
  const wireCall = { id: 'c1', type: 'function', function: { name: 'weather', arguments: rome } };
  test.each<[string, object[], object]>([
    [
      'DeepSeek and Kimi, reasoning_content',
      [
        chunk({ role: 'assistant', content: '', reasoning_content: 'The user' }),
        chunk({ content: null, reasoning_content: ' asks.' }),
        chunk(call(asked)),
      ],
      { content: null, reasoning_content: 'The user asks.', tool_calls: [wireCall] },
    ],
    [
      'OpenRouter, reasoning_details',
      [
        chunk({
          reasoning: 'The user',
          reasoning_details: [
            { type: 'reasoning.text', text: 'The user', format: 'anthropic-claude-v1', index: 0 },
          ],
        }),
        chunk({
          reasoning: ' asks.',
          reasoning_details: [{ type: 'reasoning.text', text: ' asks.', index: 0 }],
        }),
        chunk({
          reasoning_details: [
            { type: 'reasoning.text', signature: 'c2lnbmF0dXJl', index: 0 },
            { type: 'reasoning.encrypted', data: 'Z2VoZWlt', id: 'rs_1', index: 1 },
          ],
        }),
        chunk(call(asked)),
      ],
      {
        content: null,
        reasoning: 'The user asks.',
        reasoning_details: [
          {
            type: 'reasoning.text',
            text: 'The user asks.',
            format: 'anthropic-claude-v1',
            signature: 'c2lnbmF0dXJl',
            index: 0,
          },
          { type: 'reasoning.encrypted', data: 'Z2VoZWlt', id: 'rs_1', index: 1 },
        ],
        tool_calls: [wireCall],
      },
    ],
    [
      'Gemini, the signature of a thought',
      [
        chunk({ extra_content: { google: { thought: true } } }),
        chunk(call({ ...asked, extra_content: { google: { thought_signature: 'c2ln' } } })),
      ],
      {
        content: null,
        extra_content: { google: { thought: true } },
        tool_calls: [{ ...wireCall, extra_content: { google: { thought_signature: 'c2ln' } } }],
      },
    ],
    [
      'Mistral, thoughts among the parts',
      [
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'The ' }] }] }),
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'user.' }] }] }),
        chunk({ content: [{ type: 'text', text: 'I look.' }] }),
        chunk(call(asked)),
      ],
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'The user.' }] },
          { type: 'text', text: 'I look.' },
        ],
        tool_calls: [wireCall],
      },
    ],
    [
      'MiniMax, a block of reasoning in the text',
      [chunk({ content: '<think>The user asks.</think>\n' }), chunk(call(asked))],
      { content: '<think>The user asks.</think>\n', tool_calls: [wireCall] },
    ],
  ])('%s', async (_, chunks, message) => {
    const { messages } = await runOnCalls(chunks);
    expect(messages[1]).toEqual({ role: 'assistant', ...message });
  });
});

describe('missing and additional fields are tolerated:', () => {
  test.each<[string, Reply, object]>([
    [
      'comments that keep the connection alive',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(': OPENROUTER PROCESSING\n\n');
        response.end(
          `data: ${JSON.stringify(chunk({ content: 'Yes.' }, 'stop'))}\n\ndata: [DONE]\n\n`,
        );
      },
      { output: 'Yes.' },
    ],
    [
      'a stream without the final [DONE]',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(`data: ${JSON.stringify(chunk({ content: 'Yes.' }, 'stop'))}\n\n`);
      },
      { output: 'Yes.' },
    ],
    [
      'text in parts, next to thoughts of the model',
      stream([
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }] }),
        chunk(
          {
            content: [
              { type: 'text', text: 'Yes' },
              { type: 'text', text: '.' },
            ],
          },
          'stop',
        ),
      ]),
      { output: 'Yes.' },
    ],
    [
      'thoughts of the model in a separate field',
      stream([chunk({ reasoning_content: 'Hm.' }), chunk({ content: 'Yes.' }, 'stop')]),
      { output: 'Yes.' },
    ],
    [
      'a first chunk that contains only prompt filters',
      stream([
        { id: '', model: '', choices: [], prompt_filter_results: [] },
        { ...chunk({ content: 'Yes.' }, 'stop'), model: 'routed-model' },
      ]),
      { output: 'Yes.', model: 'routed-model' },
    ],
    [
      'usage that contains only the total',
      stream([{ ...chunk({ content: 'Yes.' }, 'stop'), usage: { total_tokens: 9 } }]),
      { output: 'Yes.', usage: undefined },
    ],
    [
      'usage with empty details',
      stream([
        {
          ...chunk({ content: 'Yes.' }, 'stop'),
          usage: {
            prompt_tokens: 3,
            completion_tokens: 1,
            prompt_tokens_details: null,
            completion_tokens_details: { reasoning_tokens: null },
          },
        },
      ]),
      { output: 'Yes.', usage: { inputTokens: 3, outputTokens: 1 } },
    ],
    [
      'invalid limits',
      stream([chunk({ content: 'Yes.' }, 'stop')], {
        'x-ratelimit-remaining-requests': '-1',
        'x-ratelimit-limit-requests': '0',
        'x-ratelimit-reset-requests': 'soon',
      }),
      { output: 'Yes.', rateLimits: undefined },
    ],
    [
      'limits',
      stream([chunk({ content: 'Yes.' }, 'stop')], {
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '1s',
      }),
      { output: 'Yes.', rateLimits: { requests: { limit: 60, remaining: 59, resetMs: 1_000 } } },
    ],
  ])('%s', async (_, reply, expected) => {
    server.replyWith(reply);
    const result = await run();
    expect(result.error).toBeUndefined();
    expect(result.timeline.find(({ type }) => type === 'task_completed')).toMatchObject(
      Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)),
    );
    for (const [name, value] of Object.entries(expected)) {
      if (value === undefined) {
        expect(result.timeline.find(({ type }) => type === 'task_completed')).not.toHaveProperty(
          name,
        );
      }
    }
  });
});

describe('errors in the format of servers', () => {
  test.each<[string, Reply, object]>([
    [
      'Ollama, without the model',
      json(404, {
        error: {
          message: 'model "local" not found, try pulling it first',
          type: 'api_error',
          param: null,
          code: null,
        },
      }),
      { code: 'not_found', message: expect.stringContaining('try pulling it first') },
    ],
    [
      'llama.cpp, which is still loading',
      json(503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }),
      { code: 'overloaded', message: expect.stringContaining('Loading model') },
    ],
    [
      'vLLM, with a prompt that is too long',
      json(400, {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens.",
        type: 'BadRequestError',
        param: null,
        code: 400,
      }),
      {
        code: 'context_length_exceeded',
        message: expect.stringContaining('maximum context length'),
      },
    ],
    [
      'LM Studio, with a bare text',
      json(400, { error: 'No models loaded. Please load a model in the developer page.' }),
      { code: 'invalid_request', message: expect.stringContaining('No models loaded') },
    ],
    [
      'an error in the stream, with its status as code',
      stream([chunk({ content: 'Ye' }), { error: { message: 'Upstream is busy', code: 429 } }]),
      { code: 'rate_limited', message: expect.stringContaining('Upstream is busy') },
    ],
    [
      'an error in a response with status 200',
      json(200, { error: { message: 'Upstream is busy', code: 429 } }),
      { code: 'rate_limited', message: expect.stringContaining('Upstream is busy') },
    ],
    [
      'the same as a bare text',
      json(200, { error: 'No models loaded.' }),
      { code: 'server_error', message: expect.stringContaining('No models loaded.') },
    ],
    [
      'an error without a field of its own',
      json(200, { code: 50_001, msg: 'The engine is overloaded', data: null }),
      { code: 'overloaded', message: expect.stringContaining('The engine is overloaded') },
    ],
    [
      'the state of a request that failed',
      json(200, { base_resp: { status_code: 1_008, status_msg: 'insufficient balance' } }),
      { code: 'insufficient_quota', message: expect.stringContaining('insufficient balance') },
    ],
    [
      'the same in a stream',
      stream([
        chunk({ content: 'Ye' }),
        { choices: null, base_resp: { status_code: 1_008, status_msg: 'insufficient balance' } },
      ]),
      { code: 'insufficient_quota', message: expect.stringContaining('insufficient balance') },
    ],
    [
      'a page of a proxy',
      (response) =>
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>Log in'),
      {
        code: 'server_error',
        message: expect.stringMatching(/answered with text\/html; is the base URL right/),
      },
    ],
  ])('%s', async (_, reply, expected) => {
    server.replyWith(reply);
    const result = await run();
    expect(result.tasks[0]?.error).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });
});
