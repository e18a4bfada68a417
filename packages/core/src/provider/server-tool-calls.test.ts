import { expect, test } from 'vitest';
import { readServerToolCall } from './server-tool-calls.js';

const PAGE = { url: 'https://a.example/tides', title: 'Tides' };

test.each<[string, string, unknown, unknown, object]>([
  [
    'a search of OpenAI',
    'web_search',
    {},
    { action: { type: 'search', query: 'tides', queries: ['tides', 'moon'], sources: [PAGE] } },
    { tool: 'web_search', queries: ['tides', 'moon'], sources: [PAGE] },
  ],
  [
    'a page that OpenAI opened',
    'web_search_preview',
    {},
    { status: 'completed', action: { type: 'open_page', url: PAGE.url } },
    { tool: 'web_search', sources: [{ url: PAGE.url }] },
  ],
  [
    'code of OpenAI',
    'code_interpreter',
    { code: 'print(1)' },
    {
      container_id: 'c_1',
      outputs: [
        { type: 'logs', logs: '1' },
        { type: 'image', url: 'https://a.b/1.png' },
        { type: 'logs', logs: '2' },
      ],
    },
    {
      ...{ tool: 'code_execution', code: 'print(1)', stdout: '1\n2' },
      files: [{ url: 'https://a.b/1.png', containerId: 'c_1' }],
    },
  ],
  [
    'code of OpenAI without outputs',
    'code_interpreter',
    { code: '1' },
    { outputs: null, status: 'failed' },
    { tool: 'code_execution', code: '1', error: 'failed' },
  ],
  [
    'a search of Anthropic',
    'web_search',
    { query: 'tides' },
    [{ type: 'web_search_result', ...PAGE, encrypted_content: 'x' }],
    { tool: 'web_search', queries: ['tides'], sources: [PAGE] },
  ],
  [
    'a failed search of Anthropic',
    'web_search',
    { query: 'tides' },
    { type: 'web_search_tool_result_error', error_code: 'max_uses_exceeded' },
    { tool: 'web_search', queries: ['tides'], error: 'max_uses_exceeded' },
  ],
  [
    'a page that Anthropic fetched',
    'web_fetch',
    { url: PAGE.url },
    { type: 'web_fetch_result', ...PAGE, content: { type: 'document' } },
    { tool: 'web_fetch', sources: [PAGE] },
  ],
  [
    'a shell of Anthropic',
    'bash_code_execution',
    { command: 'ls' },
    {
      ...{ type: 'bash_code_execution_result', stdout: 'a.csv', stderr: '', return_code: 0 },
      content: [{ type: 'bash_code_execution_output', file_id: 'file_1' }],
    },
    {
      ...{ tool: 'code_execution', code: 'ls', stdout: 'a.csv', exitCode: 0 },
      files: [{ id: 'file_1' }],
    },
  ],
  [
    'an editor of Anthropic',
    'text_editor_code_execution',
    { command: 'create', path: 'a.py', file_text: 'print(1)' },
    { type: 'text_editor_code_execution_create_result', is_file_update: false },
    {
      tool: 'code_execution',
      code: '{"command":"create","path":"a.py","file_text":"print(1)"}',
    },
  ],
  [
    'a search of the AI SDK',
    'web_search',
    {},
    { action: { type: 'search', query: 'tides' }, sources: [{ type: 'url', url: PAGE.url }] },
    { tool: 'web_search', queries: ['tides'], sources: [{ url: PAGE.url }] },
  ],
  [
    'a search of Gemini 3',
    'server:GOOGLE_SEARCH_WEB',
    { queries: ['tides'] },
    {},
    { tool: 'web_search', queries: ['tides'] },
  ],
  [
    'failed code of Google',
    'code_execution',
    { language: 'PYTHON', code: '1/0' },
    { outcome: 'OUTCOME_FAILED', output: 'ZeroDivisionError' },
    {
      ...{ tool: 'code_execution', code: '1/0', stdout: 'ZeroDivisionError' },
      error: 'OUTCOME_FAILED',
    },
  ],
  [
    'code of Google',
    'code_execution',
    { language: 'PYTHON', code: 'print(1)' },
    { outcome: 'OUTCOME_OK', output: '1\n' },
    { tool: 'code_execution', code: 'print(1)', stdout: '1\n' },
  ],
  [
    'another tool',
    'mcp_search',
    'tides',
    { error: { message: 'no such page' } },
    { tool: 'mcp_search', error: 'no such page' },
  ],
  ['nothing', 'web_search', undefined, undefined, { tool: 'web_search' }],
])('%s is read', (_, name, input, result, call) => {
  expect(readServerToolCall(name, input, result)).toEqual(call);
});
