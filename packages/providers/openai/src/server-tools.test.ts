import { createExecutor, createPlan, memoryJournal, type TaskOptions, tool } from '@stratagem/core';
import { inOrder, json, type Reply, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { openai } from './openai.js';

const server = testServer('/v1');
const usage = { input_tokens: 1_000, output_tokens: 100 };

const SEARCHED = {
  ...{ type: 'web_search_call', id: 'ws_1', status: 'completed' },
  action: {
    ...{ type: 'search', query: 'tides', queries: ['tides', 'moon'] },
    sources: [{ type: 'url', url: 'https://a.example/tides' }],
  },
};
const RAN = {
  ...{ type: 'code_interpreter_call', id: 'ci_1', status: 'completed', container_id: 'cntr_1' },
  code: 'print(6 * 7)',
  outputs: [
    { type: 'logs', logs: '42\n' },
    { type: 'image', url: 'https://files.example/1.png' },
  ],
};
const SAID = {
  ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
  content: [
    {
      ...{ type: 'output_text', text: 'The moon. It is 42.' },
      annotations: [
        {
          ...{ type: 'url_citation', url: 'https://a.example/tides', title: 'Tides' },
          ...{ start_index: 0, end_index: 9 },
        },
        {
          ...{ type: 'container_file_citation', container_id: 'cntr_1', file_id: 'cfile_1' },
          ...{ filename: 'tides.csv', start_index: 10, end_index: 19 },
        },
      ],
    },
  ],
};
const RESPONSE = { status: 'completed', model: 'gpt-5', usage, output: [SEARCHED, RAN, SAID] };

const CALLS = [
  {
    tool: 'web_search',
    queries: ['tides', 'moon'],
    sources: [{ url: 'https://a.example/tides' }],
  },
  {
    ...{ tool: 'code_execution', code: 'print(6 * 7)', stdout: '42\n' },
    files: [
      { url: 'https://files.example/1.png', containerId: 'cntr_1' },
      { id: 'cfile_1', filename: 'tides.csv', containerId: 'cntr_1' },
    ],
  },
];

function streamed({ output, ...response }: { readonly output: readonly object[] }): Reply {
  return stream([
    ...output.map((item, output_index) => ({
      ...{ type: 'response.output_item.done', output_index, item },
    })),
    { type: 'response.completed', response: { ...response, output: [] } },
  ]);
}

const runner = (options = {}) =>
  openai({ apiKey: 'sk-test', baseURL: server.url, model: 'gpt-5', api: 'responses', ...options });

function run(reply: Reply, options: TaskOptions, journal = memoryJournal()) {
  server.replyWith(reply);
  const plan = createPlan('Tides').addTask({ id: 'a', description: 'Why?', ...options });
  return createExecutor({
    ...{ strategy: inOrder, runner: runner(), journal, reuse: true },
  }).execute(plan);
}

describe.each([
  ['a whole answer', json(200, RESPONSE), false],
  ['a stream', streamed(RESPONSE), true],
] as const)('tools that OpenAI runs, in %s', (_, reply, isStreamed) => {
  const options: TaskOptions = {
    serverTools: ['web_search', 'code_execution'],
    stream: isStreamed,
  };

  test('leave their calls, sources and files with the output', async () => {
    const journal = memoryJournal();
    const result = await run(reply, options, journal).orThrow();
    expect(server.requests[0]?.body).toMatchObject({
      tools: [{ type: 'web_search' }, { type: 'code_interpreter', container: { type: 'auto' } }],
      include: ['web_search_call.action.sources', 'code_interpreter_call.outputs'],
    });
    const [task] = result.tasks;
    expect(task?.output).toBe('The moon. It is 42.');
    expect(task?.serverToolCalls).toEqual(CALLS);
    expect(task?.citations).toEqual([
      {
        ...{ url: 'https://a.example/tides', title: 'Tides', quote: 'The moon.' },
        ...{ start: 0, end: 9 },
      },
    ]);
    expect(result.timeline.find(({ type }) => type === 'task_completed')).toMatchObject({
      serverToolCalls: CALLS,
    });
    // The next run takes the answer from the journal, with all of that.
    const again = await run(reply, options, journal).orThrow();
    expect(again.tasks[0]).toMatchObject({ reused: {}, serverToolCalls: CALLS });
    // Without the tools it is another answer.
    const other = await run(reply, { stream: isStreamed }, journal).orThrow();
    expect(other.tasks[0]).not.toHaveProperty('reused');
  });

  test('go together with a tool of the task, and the conversation repeats their calls', async () => {
    const call = { type: 'function_call', id: 'fc_1', call_id: 'c_1', name: 'note' };
    const first = { ...RESPONSE, output: [RAN, { ...call, arguments: '{"text":"42"}' }] };
    const last = { ...RESPONSE, output: [SAID] };
    const reply = (response: typeof last | typeof first) =>
      isStreamed ? streamed(response) : json(200, response);
    server.replyWith(reply(first), reply(last));
    const note = tool({
      ...{ name: 'note', description: 'Notes a text.', execute: () => 'noted' },
      inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    });
    const plan = createPlan('Tides').addTask({
      ...{ id: 'a', description: 'Why?', tools: [note], stream: isStreamed },
      serverTools: ['code_execution'],
      toolChoice: { type: 'tool', toolName: 'code_execution' },
    });
    const result = await createExecutor({ strategy: inOrder, runner: runner() })
      .execute(plan)
      .orThrow();
    const [asked = {}, continued = {}] = server.requests.map(
      ({ body }) => body as Record<string, unknown[]>,
    );
    expect(asked.tool_choice).toEqual({ type: 'code_interpreter' });
    expect(asked.tools?.map((each) => (each as { type: string }).type)).toEqual([
      'function',
      'code_interpreter',
    ]);
    expect(continued).not.toHaveProperty('tool_choice');
    expect(continued.input).toContainEqual(RAN);
    // The calls of all requests, and the file that the last answer names.
    expect(result.tasks[0]?.serverToolCalls).toEqual([
      { ...CALLS[1], files: [{ url: 'https://files.example/1.png', containerId: 'cntr_1' }] },
      {
        tool: 'code_execution',
        files: [{ id: 'cfile_1', filename: 'tides.csv', containerId: 'cntr_1' }],
      },
    ]);
  });
});

test('a call that failed says so, and other tools of the server are listed too', async () => {
  const output = [
    { type: 'web_search_call', id: 'ws_1', status: 'failed', action: { type: 'search' } },
    { ...RAN, outputs: null },
    { type: 'file_search_call', id: 'fs_1', queries: ['a'], results: [{ filename: 'a.pdf' }] },
    { type: 'mcp_call', id: 'm_1', name: 'ask_wiki', server_label: 'wiki', error: 'no page' },
    SAID,
  ];
  const options: TaskOptions = { serverTools: ['web_search'], stream: false };
  const result = await run(json(200, { ...RESPONSE, output }), options).orThrow();
  expect(result.tasks[0]?.serverToolCalls).toMatchObject([
    { tool: 'web_search', error: 'failed' },
    { tool: 'code_execution', code: 'print(6 * 7)', files: [{ id: 'cfile_1' }] },
    { tool: 'file_search', queries: ['a'], sources: [{ title: 'a.pdf' }] },
    { tool: 'ask_wiki', error: 'no page' },
  ]);
});

test('redacted journals keep no results of the tools', async () => {
  const journal = memoryJournal();
  server.replyWith(json(200, RESPONSE));
  const plan = createPlan('Tides').addTask({
    ...{ id: 'a', description: 'Why?', serverTools: ['code_execution'], stream: false },
  });
  const executor = createExecutor({
    ...{ strategy: inOrder, runner: runner(), journal, redact: () => '[hidden]' },
  });
  await executor.execute(plan, { runId: 'r' }).orThrow();
  const events = [];
  for await (const event of journal.read('r')) events.push(event);
  expect(JSON.stringify(events)).not.toContain('6 * 7');
});

test.each([
  ['serverTools must be a list', { serverTools: ['search'] }],
  ["OpenAI's web_search takes no blockedDomains", { blockedDomains: ['a.b'] }],
  ['Chat Completions has no serverTools', { api: 'chat', serverTools: ['web_search'] }],
])('a runner says "%s" before anything runs', (message, { blockedDomains, ...options }: Given) => {
  const search = blockedDomains && [{ type: 'web_search', blockedDomains }];
  expect(() => runner({ ...options, ...(search && { serverTools: search }) })).toThrow(message);
});

interface Given {
  readonly api?: string;
  readonly serverTools?: string[];
  readonly blockedDomains?: string[];
}

test.each([true, false])(
  'the tools that Groq ran are read; streaming is %s',
  async (isStreamed) => {
    const executed_tools = [
      {
        ...{ index: 0, type: 'search', arguments: '{"query":"tides"}', output: 'Title: Tides …' },
        search_results: { results: [{ title: 'Tides', url: 'https://a.example/tides', score: 1 }] },
      },
      { index: 1, type: 'python', arguments: '{"code":"print(42)"}', output: '42' },
    ];
    const said = { content: 'The moon.', executed_tools };
    const counts = { prompt_tokens: 5, completion_tokens: 2 };
    const choice = { index: 0, finish_reason: 'stop' };
    server.replyWith(
      isStreamed
        ? stream([{ choices: [{ ...choice, delta: said }], usage: counts }])
        : json(200, { choices: [{ ...choice, message: said }], usage: counts }),
    );
    const plan = createPlan('Tides').addTask({ id: 'a', description: 'Why?', stream: isStreamed });
    const groq = runner({ api: 'chat', model: 'groq/compound' });
    const result = await createExecutor({ strategy: inOrder, runner: groq })
      .execute(plan)
      .orThrow();
    expect(result.tasks[0]?.serverToolCalls).toEqual([
      {
        ...{ tool: 'web_search', queries: ['tides'] },
        sources: [{ title: 'Tides', url: 'https://a.example/tides' }],
      },
      { tool: 'code_execution', code: 'print(42)', stdout: '42' },
    ]);
  },
);
