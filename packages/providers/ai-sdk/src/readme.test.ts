import { readFileSync } from 'node:fs';
import { createExecutor, createPlan } from '@stratagem/core';
import { inOrder } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { mockOf } from '../test/model.js';
import { aiSdk } from './index.js';
import { AI_SDK_OPTIONS } from './options.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the program in the README runs', async () => {
  const [, program = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const body = program.replaceAll(/^import .*\n/gm, '');
  const model = mockOf({ text: 'Sea, Sky, Sand' }, { text: 'Sea' });
  const printed: unknown[] = [];
  const given = {
    aiSdk,
    createExecutor,
    createPlan,
    mistral: () => model,
    parallel: () => inOrder,
    console: { log: (text: unknown) => printed.push(text) },
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await new AsyncFunction(...Object.keys(given), body)(...Object.values(given));
  expect(printed).toEqual(['Sea']);
  expect(JSON.stringify(model.doStreamCalls[1]?.prompt)).toContain('Sea, Sky, Sand');
});

test('the README lists every option', () => {
  const [, section = ''] = /## Options\n(.*?)\n## /s.exec(readme) ?? [];
  const documented = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(documented.toSorted()).toEqual(AI_SDK_OPTIONS.toSorted());
});
