import { expect, test } from 'vitest';
import { serverToolCallsOf } from './server-tool-call.js';

test('calls from outside keep their own fields, and nobody can change them', () => {
  const call = {
    ...{ tool: 'code_execution', code: 'print(1)', stdout: '1', stderr: 'warning', exitCode: 0 },
    files: [{ id: 'file_1', filename: 'a.csv', containerId: 'c_1' }],
  };
  const search = { tool: 'web_search', queries: ['tides'], sources: [{ url: 'https://a.b' }] };
  const odd = { tool: 'other', exitCode: 1.5, queries: 'x', sources: [{}, 7], files: [] };
  const given = [{ ...call, secret: 'x' }, null, 'text', { code: 'of no tool' }, search, odd];
  const calls = serverToolCallsOf(given);
  expect(calls).toEqual([call, search, { tool: 'other' }]);
  expect(Object.isFrozen(calls?.[0]) && Object.isFrozen(calls?.[0]?.files?.[0])).toBe(true);
});

test('a long text is cut, and says so', () => {
  const [call] = serverToolCallsOf([{ tool: 'x', stdout: 'a'.repeat(100_007) }]) ?? [];
  expect(call?.stdout).toMatch(/^a{100000}\n\[7 more characters\]$/);
});

test.each([undefined, null, 'x', {}, [], [{}]])('%j has no calls', (value) => {
  expect(serverToolCallsOf(value)).toBeUndefined();
});
