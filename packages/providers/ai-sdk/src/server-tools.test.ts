import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createXai } from '@ai-sdk/xai';
import { createExecutor, createPlan, type TaskOptions } from '@stratagem/core';
import { inOrder, json, type Received, type Reply, testServer } from '@stratagem/test-kit';
import type { LanguageModel } from 'ai';
import { describe, expect, test } from 'vitest';
import { compatible, mockOf } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

const server = testServer('/v1');

/** The events as a stream where one is asked for, each with its name, or else the whole answer. */
function reply(whole: object, events: readonly object[]): Reply {
  return (response, received: Received) => {
    if (received.body.stream !== true) return json(200, whole)(response, received);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) {
      const { type } = event as { type: string };
      response.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
  };
}

function run(model: LanguageModel, options: TaskOptions) {
  const plan = createPlan('Tides').addTask({ id: 'a', description: 'Why?', ...options });
  return createExecutor({ strategy: inOrder, runner: aiSdk(model) }).execute(plan);
}

const usage = { input_tokens: 100, output_tokens: 10 };

describe.each([true, false])('streaming is %s: through the package', (stream) => {
  test('of OpenAI, tools of the server leave calls, sources and files', async () => {
    const output = [
      {
        ...{ type: 'web_search_call', id: 'ws_1', status: 'completed' },
        action: {
          ...{ type: 'search', query: 'tides' },
          sources: [{ type: 'url', url: 'https://a.example/tides' }],
        },
      },
      {
        ...{ type: 'code_interpreter_call', id: 'ci_1', status: 'completed' },
        ...{ container_id: 'cntr_1', code: 'print(42)', outputs: [{ type: 'logs', logs: '42' }] },
      },
      {
        ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
        content: [
          {
            ...{ type: 'output_text', text: 'The moon. It is 42.', logprobs: [] },
            annotations: [
              {
                ...{ type: 'url_citation', url: 'https://a.example/tides', title: 'Tides' },
                ...{ start_index: 0, end_index: 9 },
              },
              {
                ...{ type: 'container_file_citation', container_id: 'cntr_1' },
                ...{ file_id: 'cfile_1', filename: 'a.csv', start_index: 10, end_index: 19 },
              },
            ],
          },
        ],
      },
    ] as const;
    const response = {
      ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed' },
      ...{ model: 'gpt-5', output, usage, incomplete_details: null },
    };
    const [search, code, message] = output;
    const [part] = message.content;
    const events = [
      { type: 'response.created', response: { ...response, output: [], status: 'in_progress' } },
      ...[search, code].flatMap((item, output_index) => [
        { type: 'response.output_item.added', output_index, item },
        ...(item === code
          ? [
              {
                ...{ type: 'response.code_interpreter_call_code.done', item_id: item.id },
                ...{ output_index, code: item.code },
              },
            ]
          : []),
        { type: 'response.output_item.done', output_index, item },
      ]),
      { type: 'response.output_item.added', output_index: 2, item: { ...message, content: [] } },
      {
        ...{ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 2 },
        ...{ content_index: 0, delta: part.text, logprobs: [] },
      },
      ...part.annotations.map((annotation, annotation_index) => ({
        ...{ type: 'response.output_text.annotation.added', item_id: 'msg_1', output_index: 2 },
        ...{ content_index: 0, annotation_index, annotation },
      })),
      { type: 'response.output_item.done', output_index: 2, item: message },
      { type: 'response.completed', response },
    ];
    server.replyWith(reply(response, events));
    const model = createOpenAI({ apiKey: 'sk-test', baseURL: server.url }).responses('gpt-5');
    const serverTools: TaskOptions['serverTools'] = [
      {
        ...{ type: 'web_search', allowedDomains: ['a.example'], userLocation: { country: 'PT' } },
        providerOptions: { openai: { search_context_size: 'low' } },
      },
      'code_execution',
    ];
    const result = await run(model, { serverTools, stream }).orThrow();
    expect(server.requests[0]?.body.tools).toEqual([
      {
        ...{ type: 'web_search', search_context_size: 'low' },
        filters: { allowed_domains: ['a.example'] },
        user_location: { type: 'approximate', country: 'PT' },
      },
      { type: 'code_interpreter', container: { type: 'auto' } },
    ]);
    expect(result.tasks[0]).toMatchObject({
      output: 'The moon. It is 42.',
      citations: [
        {
          ...{ url: 'https://a.example/tides', title: 'Tides', quote: 'The moon.' },
          ...{ start: 0, end: 9 },
        },
      ],
      serverToolCalls: [
        {
          ...{ tool: 'web_search', queries: ['tides'] },
          sources: [{ url: 'https://a.example/tides' }],
        },
        {
          ...{ tool: 'code_execution', code: 'print(42)', stdout: '42' },
          files: [{ id: 'cfile_1', filename: 'a.csv', containerId: 'cntr_1' }],
        },
      ],
    });
  });

  test('of Google, searches are read from beside the answer, which counts in bytes', async () => {
    const text = 'Größe: The moon. It is 42.';
    const parts = [
      { executableCode: { language: 'PYTHON', code: 'print(42)' } },
      { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '42\n' } },
      { text },
    ];
    const groundingMetadata = {
      webSearchQueries: ['tides', 'why tides'],
      groundingChunks: [
        { web: { uri: 'https://a.example/tides', title: 'a.example' } },
        { web: { uri: 'https://b.example/moon', title: 'b.example' } },
      ],
      groundingSupports: [
        {
          segment: { startIndex: 9, endIndex: 18, text: 'The moon.' },
          groundingChunkIndices: [0, 1],
        },
        { segment: { startIndex: 2, endIndex: 9, text: 'It is 4' }, groundingChunkIndices: [1] },
        { segment: { text: 'elsewhere' }, groundingChunkIndices: [0, 7] },
      ],
    };
    const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 5, totalTokenCount: 14 };
    const answerOf = (parts: readonly object[], more: object = {}) => ({
      candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
      ...{ usageMetadata, modelVersion: 'gemini-2.5-flash' },
    });
    const end = { finishReason: 'STOP', groundingMetadata };
    server.replyWith((response, received: Received) => {
      if (!received.path?.includes('streamGenerateContent')) {
        return json(200, answerOf(parts, end))(response, received);
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunks = [...parts.map((part) => answerOf([part])), answerOf([{ text: '' }], end)];
      for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      response.end();
    });
    const model = createGoogle({ apiKey: 'k', baseURL: server.url })('gemini-2.5-flash');
    const serverTools: TaskOptions['serverTools'] = ['web_search', 'code_execution'];
    const result = await run(model, { serverTools, stream }).orThrow();
    expect(server.requests[0]?.body.tools).toEqual([{ googleSearch: {} }, { codeExecution: {} }]);
    const [a, b] = [
      { url: 'https://a.example/tides', title: 'a.example' },
      { url: 'https://b.example/moon', title: 'b.example' },
    ];
    expect(result.tasks[0]).toMatchObject({
      output: text,
      citations: [
        { ...a, quote: 'The moon.', start: 7, end: 16 },
        { ...b, quote: 'The moon.', start: 7, end: 16 },
        { ...b, quote: 'It is 4', start: 17, end: 24 },
        { ...a, quote: 'elsewhere' },
      ],
      serverToolCalls: [
        { tool: 'code_execution', code: 'print(42)', stdout: '42\n' },
        { tool: 'web_search', queries: ['tides', 'why tides'], sources: [a, b] },
      ],
    });
  });

  test('of xAI, tools of the server leave calls and sources', async () => {
    const search = {
      ...{ type: 'web_search_call', id: 'ws_1', status: 'completed', name: 'web_search' },
      arguments: '{"query":"tides"}',
      action: {
        ...{ type: 'search', query: 'tides' },
        sources: [{ type: 'url', url: 'https://a.example/tides' }],
      },
    };
    const code = {
      ...{ type: 'code_interpreter_call', id: 'ci_1', status: 'completed' },
      ...{ name: 'code_execution', arguments: '{"code":"print(42)"}' },
    };
    const annotations = [
      {
        ...{ type: 'url_citation', url: 'https://a.example/tides', title: 'Tides' },
        ...{ start_index: 0, end_index: 9 },
      },
    ];
    const message = {
      ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
      content: [{ type: 'output_text', text: 'The moon. It is 42.', logprobs: [], annotations }],
    };
    const response = {
      ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed' },
      ...{
        model: 'grok-4',
        output: [search, code, message],
        usage: { ...usage, total_tokens: 110 },
      },
    };
    const place = { item_id: 'msg_1', output_index: 2, content_index: 0 };
    const events = [
      { type: 'response.created', response: { ...response, output: [], status: 'in_progress' } },
      ...[search, code].flatMap((item, output_index) => [
        { type: 'response.output_item.added', output_index, item },
        { type: 'response.output_item.done', output_index, item },
      ]),
      { type: 'response.output_text.delta', ...place, delta: 'The moon. It is 42.', logprobs: [] },
      {
        type: 'response.output_text.annotation.added',
        ...{ ...place, annotation_index: 0, annotation: annotations[0] },
      },
      { type: 'response.output_item.done', output_index: 2, item: message },
      { type: 'response.completed', response },
    ];
    server.replyWith(reply(response, events));
    const model = createXai({ apiKey: 'k', baseURL: server.url }).responses('grok-4');
    const serverTools: TaskOptions['serverTools'] = [
      { type: 'web_search', allowedDomains: ['a.example'] },
      'code_execution',
    ];
    const result = await run(model, { serverTools, stream }).orThrow();
    expect(server.requests[0]?.body.tools).toEqual([
      { type: 'web_search', allowed_domains: ['a.example'] },
      { type: 'code_interpreter' },
    ]);
    expect(result.tasks[0]).toMatchObject({
      output: 'The moon. It is 42.',
      citations: [{ url: 'https://a.example/tides', title: 'Tides' }],
      serverToolCalls: [
        {
          ...{ tool: 'web_search', queries: ['tides'] },
          sources: [{ url: 'https://a.example/tides' }],
        },
        { tool: 'code_execution', code: 'print(42)' },
      ],
    });
  });

  test('of Anthropic, too, also when the server pauses the turn', async () => {
    const found = {
      ...{ type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1' },
      content: [
        {
          ...{ type: 'web_search_result', url: 'https://a.example/tides', title: 'Tides' },
          ...{ encrypted_content: 'EqgfCioI', page_age: null },
        },
      ],
    };
    const paused = [
      { type: 'text', text: 'Let me look. ' },
      {
        ...{ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search' },
        input: { query: 'tides' },
      },
      found,
    ];
    const rest = [
      {
        ...{ type: 'server_tool_use', id: 'srvtoolu_2', name: 'bash_code_execution' },
        input: { command: 'ls' },
      },
      {
        ...{ type: 'bash_code_execution_tool_result', tool_use_id: 'srvtoolu_2' },
        content: {
          ...{ type: 'bash_code_execution_result', stdout: 'a.csv', stderr: '', return_code: 0 },
          content: [{ type: 'bash_code_execution_output', file_id: 'file_1' }],
        },
      },
      { type: 'text', text: 'The moon.' },
    ];
    const answer = (content: readonly Block[], stop_reason: string) => {
      const message = { id: 'msg', type: 'message', role: 'assistant', model: 'claude-sonnet-5-5' };
      return reply({ ...message, content, stop_reason, stop_sequence: null, usage }, [
        { type: 'message_start', message: { ...message, content: [], usage } },
        ...content.flatMap((block, index) => [
          {
            ...{ type: 'content_block_start', index },
            content_block: {
              ...block,
              ...(block.input && { input: {} }),
              ...(block.text && { text: '' }),
            },
          },
          ...(block.input
            ? [
                {
                  ...{ type: 'content_block_delta', index },
                  delta: { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
                },
              ]
            : []),
          ...(block.text
            ? [
                {
                  ...{ type: 'content_block_delta', index },
                  delta: { type: 'text_delta', text: block.text },
                },
              ]
            : []),
          { type: 'content_block_stop', index },
        ]),
        { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage },
        { type: 'message_stop' },
      ]);
    };
    server.replyWith(answer(paused, 'pause_turn'), answer(rest, 'end_turn'));
    const model = createAnthropic({ apiKey: 'sk-ant-test', baseURL: server.url })(
      'claude-sonnet-5-5',
    );
    const serverTools: TaskOptions['serverTools'] = [
      { type: 'web_search', maxUses: 2 },
      'code_execution',
    ];
    const result = await run(model, { serverTools, stream }).orThrow();
    expect(server.requests[0]?.body.tools).toMatchObject([
      { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      { type: 'code_execution_20250825', name: 'code_execution' },
    ]);
    expect(server.requests).toHaveLength(2);
    const messages = server.requests[1]?.body.messages as { readonly content: Block[] }[];
    expect(messages[1]?.content.map(({ type }) => type)).toEqual(paused.map(({ type }) => type));
    expect(result.tasks[0]).toMatchObject({
      output: 'Let me look. The moon.',
      serverToolCalls: [
        {
          ...{ tool: 'web_search', queries: ['tides'] },
          sources: [{ url: 'https://a.example/tides', title: 'Tides' }],
        },
        {
          ...{ tool: 'code_execution', code: 'ls', stdout: 'a.csv', exitCode: 0 },
          files: [{ id: 'file_1' }],
        },
      ],
    });
    expect(result.metrics.usage).toMatchObject({ inputTokens: 200, outputTokens: 20 });
  });

  test('a turn that is paused again and again ends as truncated', async () => {
    const message = { id: 'msg', type: 'message', role: 'assistant', model: 'claude-sonnet-5-5' };
    const delta = { stop_reason: 'pause_turn', stop_sequence: null };
    server.replyWith(
      reply({ ...message, content: [{ type: 'text', text: 'Hm. ' }], ...delta, usage }, [
        { type: 'message_start', message: { ...message, content: [], usage } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        {
          ...{ type: 'content_block_delta', index: 0 },
          delta: { type: 'text_delta', text: 'Hm. ' },
        },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta, usage },
        { type: 'message_stop' },
      ]),
    );
    const model = createAnthropic({ apiKey: 'sk-ant-test', baseURL: server.url })(
      'claude-sonnet-5-5',
    );
    const result = await run(model, { serverTools: ['web_search'], stream });
    expect(result.tasks[0]?.error).toMatchObject({ code: 'truncated' });
    expect(server.requests).toHaveLength(11);
  });
});

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly input?: object;
}

test.each<[string, () => LanguageModel, TaskOptions['serverTools'], string]>([
  [
    'a provider without the tool',
    () => compatible(server.url),
    ['web_search'],
    'test.chat/a-model: no web_search is known of the provider "test"; use a model of openai, azure',
  ],
  [
    'an API without it',
    () => createOpenAI({ apiKey: 'sk-test', baseURL: server.url }).chat('gpt-5'),
    ['web_search'],
    'openai.chat/gpt-5 does not take serverTools',
  ],
  [
    'an option without effect',
    () => createOpenAI({ apiKey: 'sk-test', baseURL: server.url }).responses('gpt-5'),
    [{ type: 'web_search', maxUses: 2 }],
    'openai.responses/gpt-5: openai.web_search takes no maxUses; remove it, or use providerOptions',
  ],
])('%s is an error with a remedy', async (_, model, serverTools, message) => {
  server.replyWith(
    json(200, {
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    }),
  );
  const result = await run(model(), { serverTools, stream: false });
  expect(result.tasks[0]?.error).toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(message),
  });
});

test('a model without a server has none either', async () => {
  const result = await run(mockOf({ text: 'Hi' }), { serverTools: ['code_execution'] });
  expect(result.tasks[0]?.error?.code).toBe('invalid_request');
});

test('a stream of OpenAI that breaks off without a reason is a broken connection', async () => {
  server.replyWith((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = { choices: [{ index: 0, delta: { content: 'Half' } }] };
    response.end(`data: ${JSON.stringify({ id: 'x', created: 1, model: 'm', ...event })}\n\n`);
  });
  const model = createOpenAI({ apiKey: 'sk-test', baseURL: server.url }).chat('m');
  const result = await run(model, { stream: true });
  expect(result.tasks[0]?.error?.code).toBe('connection');
});
