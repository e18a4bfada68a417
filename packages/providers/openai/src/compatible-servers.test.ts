import { json, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { askForWeather, call, chunk, runOnCalls } from '../test/weather.js';

const server = testServer('/v1');
const rome = '{"city":"Rome"}';

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
    const { messages } = await runOnCalls(server, chunks);
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
    const result = await askForWeather(server);
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
    const result = await askForWeather(server);
    expect(result.tasks[0]?.error).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });
});
