import { createExecutor, createPlan } from '@stratagem/core';
import { inOrder, json, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { anthropic } from './anthropic.js';

const server = testServer();

const SEARCH = { type: 'web_search_20250305', name: 'web_search', max_uses: 3 };
const found = {
  type: 'web_search_tool_result',
  tool_use_id: 'srvtoolu_1',
  content: [
    {
      ...{ type: 'web_search_result', url: 'https://a.example/tides', title: 'Tides' },
      encrypted_content: 'EqgfCioI',
    },
  ],
};
const cited = {
  ...{ type: 'web_search_result_location', url: 'https://a.example/tides', title: 'Tides' },
  ...{ encrypted_index: 'Eo8B', cited_text: 'The moon causes tides.' },
};
const inDocument = {
  ...{ type: 'page_location', cited_text: 'Twice a day.', document_index: 0 },
  ...{ document_title: 'paper.pdf', start_page_number: 1, end_page_number: 2 },
};

/** A turn that the server pauses after its search, and the rest of it. */
const PAUSED = [
  { type: 'text', text: 'Let me look. ' },
  { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'tides' } },
  found,
];
const REST = [
  { type: 'text', text: 'The moon.', citations: [cited] },
  { type: 'text', text: ' Twice a day.', citations: [inDocument] },
];
const usageOf = (web_search_requests: number) => ({
  ...{ input_tokens: 100, output_tokens: 10 },
  server_tool_use: { web_search_requests },
});

function whole(
  content: object[],
  stop_reason: string,
  searches: number,
  container?: object,
): Reply {
  const message = { id: 'msg', type: 'message', role: 'assistant', model: 'claude-sonnet-5-5' };
  return json(200, { ...message, content, stop_reason, usage: usageOf(searches), container });
}

function streamed(
  content: object[],
  stop_reason: string,
  searches: number,
  container: object | null = null,
): Reply {
  const message = { id: 'msg', type: 'message', role: 'assistant', model: 'claude-sonnet-5-5' };
  const usage = { input_tokens: 100, output_tokens: 1 };
  return stream([
    { type: 'message_start', message: { ...message, content: [], usage } },
    ...content.flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: emptied(block) },
      ...deltasOf(block).map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason, container }, usage: usageOf(searches) },
    { type: 'message_stop' },
  ]);
}

type Block = { type?: string; text?: string; input?: object; citations?: object[] };

function emptied(block: Block): object {
  if (block.type === 'text') return { type: 'text', text: '' };
  return block.type === 'server_tool_use' ? { ...block, input: {} } : block;
}

function deltasOf({ type, text = '', input, citations = [] }: Block): object[] {
  if (type === 'server_tool_use') {
    const half = JSON.stringify(input);
    return [half.slice(0, 5), half.slice(5)].map((partial_json) => ({
      ...{ type: 'input_json_delta', partial_json },
    }));
  }
  if (type !== 'text') return [];
  return [
    ...citations.map((citation) => ({ type: 'citations_delta', citation })),
    { type: 'text_delta', text },
  ];
}

function runOf(isStreamed: boolean, ...replies: Reply[]) {
  server.replyWith(...replies);
  const providerOptions = { anthropic: { tools: [SEARCH] } };
  const fixed = { apiKey: 'sk-ant-test', baseURL: server.url, stream: isStreamed };
  const runner = anthropic({ model: 'claude-sonnet-5-5', ...fixed, providerOptions });
  const plan = createPlan('Tides').addTask({ id: 'a', description: 'What causes tides?' });
  return createExecutor({ strategy: inOrder, runner }).execute(plan);
}

describe.each([
  ['a stream', true, streamed],
  ['a whole answer', false, whole],
] as const)('a search of the server, in %s', (_, isStreamed, reply) => {
  test('is continued after a pause, and its sources are cited', async () => {
    const replies = [reply(PAUSED, 'pause_turn', 1), reply(REST, 'end_turn', 2)];
    const result = await runOf(isStreamed, ...replies).orThrow();
    expect(server.requests).toHaveLength(2);
    expect(server.requests[0]?.body.tools).toEqual([SEARCH]);
    expect(server.requests[1]?.body.messages).toEqual([
      { role: 'user', content: 'What causes tides?' },
      { role: 'assistant', content: PAUSED },
    ]);
    const text = 'Let me look. The moon. Twice a day.';
    expect(result.outputs.a).toBe(text);
    const citations = [
      {
        ...{ url: 'https://a.example/tides', title: 'Tides', quote: 'The moon causes tides.' },
        ...{ start: 13, end: 22 },
      },
      { title: 'paper.pdf', quote: 'Twice a day.', start: 22, end: 35 },
    ];
    expect(result.tasks[0]?.citations).toEqual(citations);
    const [first] = citations;
    expect(text.slice(first?.start, first?.end)).toBe('The moon.');
    expect(result.tasks[0]?.serverToolCalls).toEqual([
      {
        ...{ tool: 'web_search', queries: ['tides'] },
        sources: [{ url: 'https://a.example/tides', title: 'Tides' }],
      },
    ]);
    expect(result.metrics.usage).toMatchObject({ inputTokens: 200, outputTokens: 20, searches: 3 });
    const tokens = await runOf(isStreamed, reply(REST, 'end_turn', 0)).orThrow();
    // Each search costs a cent.
    const cost = result.metrics.costUsd as number;
    expect(cost).toBeCloseTo(2 * (tokens.metrics.costUsd as number) + 0.03, 9);
  });

  test('and code run in the container of the first answer, and leave output and files', async () => {
    const ran = [
      ...PAUSED,
      {
        ...{ type: 'server_tool_use', id: 'srvtoolu_2', name: 'bash_code_execution' },
        input: { command: 'python a.py' },
      },
      {
        ...{ type: 'bash_code_execution_tool_result', tool_use_id: 'srvtoolu_2' },
        content: {
          ...{ type: 'bash_code_execution_result', stdout: '42', stderr: 'slow', return_code: 1 },
          content: [{ type: 'bash_code_execution_output', file_id: 'file_1' }],
        },
      },
    ];
    server.replyWith(
      reply(ran, 'pause_turn', 1, { id: 'container_1', expires_at: '2026-12-01T00:00:00Z' }),
      reply(REST, 'end_turn', 1),
    );
    const runner = anthropic({ apiKey: 'sk-ant-test', baseURL: server.url, stream: isStreamed });
    const plan = createPlan('Tides').addTask({
      ...{ id: 'a', description: 'Why?', toolChoice: 'required' },
      serverTools: [{ type: 'web_search', maxUses: 2 }, 'code_execution'],
    });
    const executor = createExecutor({ strategy: inOrder, runner });
    const { tasks } = await executor.execute(plan).orThrow();
    const [first, second] = server.requests.map(({ body }) => body);
    const tools = [
      { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      { type: 'code_execution_20250825', name: 'code_execution' },
    ];
    expect(first).toMatchObject({ tools, tool_choice: { type: 'any' } });
    expect(first).not.toHaveProperty('container');
    expect(second).toMatchObject({ tools, container: 'container_1' });
    expect(second).not.toHaveProperty('tool_choice');
    expect(tasks[0]?.serverToolCalls).toEqual([
      {
        ...{ tool: 'web_search', queries: ['tides'] },
        sources: [{ url: 'https://a.example/tides', title: 'Tides' }],
      },
      {
        ...{ tool: 'code_execution', code: 'python a.py', stdout: '42', stderr: 'slow' },
        ...{ exitCode: 1, files: [{ id: 'file_1' }] },
      },
    ]);
  });

  test('that fails says why, and the answer goes on', async () => {
    const [text, call] = PAUSED;
    const failed = {
      ...{ type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1' },
      content: { type: 'web_search_tool_result_error', error_code: 'max_uses_exceeded' },
    };
    const content = [text, call, failed, ...REST] as object[];
    const result = await runOf(isStreamed, reply(content, 'end_turn', 1)).orThrow();
    expect(result.tasks[0]?.serverToolCalls).toEqual([
      { tool: 'web_search', queries: ['tides'], error: 'max_uses_exceeded' },
    ]);
  });

  test('that is paused again and again ends as truncated', async () => {
    const result = await runOf(isStreamed, reply(PAUSED, 'pause_turn', 1));
    expect(result.tasks[0]?.error).toMatchObject({
      code: 'truncated',
      message: expect.stringContaining('the server paused'),
    });
    expect(server.requests).toHaveLength(11);
    expect(result.metrics.usage).toMatchObject({ outputTokens: 110, searches: 11 });
  });
});
