import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { inOrder } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { mcpTools } from './index.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const script = fileURLToPath(new URL('../test/stdio-server.js', import.meta.url));

test('the program in the README runs', async () => {
  const [, program = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const body = program.replaceAll(/^import .*\n/gm, '');
  const model: TaskRunner = {
    name: 'a model',
    supportsTools: true,
    run: async ({ prompt, tools = [] }) => {
      const answer = await tools.find(({ name }) => name === 'greet')?.call({ name: prompt });
      return { output: answer?.text };
    },
  };
  const printed: unknown[] = [];
  const given = {
    createExecutor,
    createPlan,
    mcpTools: () => mcpTools({ command: process.execPath, args: [script] }),
    openai: () => model,
    parallel: () => inOrder,
    console: { log: (text: unknown) => printed.push(text) },
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await new AsyncFunction(...Object.keys(given), body)(...Object.values(given));
  expect(printed).toEqual([
    'Hello Look at the files here. Which of them can be deleted?.\nHave a nice day.',
  ]);
});

test('the README lists every option', () => {
  const documented = [...readme.matchAll(/^\| `(\w+)` .*\|.*\|.*\|$/gm)].map(([, name]) => name);
  const options = readFileSync(new URL('./options.ts', import.meta.url), 'utf8');
  const known = [...options.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
  expect(documented.filter((name) => known.includes(name)).sort()).toEqual(known.sort());
});
