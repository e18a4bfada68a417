import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fetchTool } from './index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the program in the README is one', async () => {
  const [, program = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const body = program.replaceAll(/^import .*\n/gm, '');
  const { createExecutor, createPlan, tool } = await import('@stratagem/core');
  const files = new Map<string, unknown>();
  const printed: unknown[] = [];
  const { inputSchema } = fetchTool();
  const given = {
    createExecutor,
    createPlan,
    // No test asks the internet.
    fetchTool: () =>
      tool({ name: 'fetch', description: 'x', inputSchema, execute: ({ url }) => ({ from: url }) }),
    outputFolder: () => ({ write: async (path: string, text: string) => files.set(path, text) }),
    parallel: () => ({ name: 'first', begin: firstReady }),
    console: { log: (text: unknown) => printed.push(text) },
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await new AsyncFunction(...Object.keys(given), body)(...Object.values(given));
  expect(printed).toEqual([['responses/0.json', 'responses/1.json']]);
  expect(files.get('responses/1.json')).toContain('https://example.com/b.json');
});

test.each([
  ['fetchTool', './fetch-tool.ts'],
  ['commandRunner', './command-runner.ts'],
])('the README lists every option of %s', (name, file) => {
  const [, section = ''] = new RegExp(`## \`${name}\\(.*?\n(.*?)(\n## |$)`, 's').exec(readme) ?? [];
  const documented = [...section.matchAll(/^\| `(\w+)` .*\|.*\|.*\|$/gm)].map(([, each]) => each);
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  const [, options = ''] = /export interface \w+Options \{(.*?)\n\}/s.exec(source) ?? [];
  const known = [...options.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, each]) => each);
  expect(documented).toEqual(known);
});

function firstReady<T>() {
  const ready: T[] = [];
  return { ready: (task: T) => void ready.push(task), next: () => ready.shift() };
}
