import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor } from '@stratagem/core';
import { BATCH_OPTIONS } from '@stratagem/core/provider';
import { batchServer, inOrder } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { BatchApi } from '../test/batch-api.js';
import { type OpenAIBatchOptions, openaiBatch } from './index.js';
import { OPENAI_OPTIONS } from './options.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const server = batchServer('/v1');

function sectionOf(title: string): string {
  return new RegExp(`\n## ${title}\n(.*?)\n## `, 's').exec(readme)?.[1] ?? '';
}

test('the program for batches in the README runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stratagem-'));
  const api = new BatchApi();
  api.outcome = () => ({
    response: {
      status_code: 200,
      body: { choices: [{ message: { content: 'High.' }, finish_reason: 'stop' }] },
    },
  });
  server.serve(api.routes);
  const [, program = ''] = /```ts\n(.*?)```/s.exec(sectionOf('Half price')) ?? [];
  const printed: unknown[] = [];
  const given = {
    createExecutor,
    parallel: () => inOrder,
    console: { log: (text: unknown) => printed.push(text) },
    openaiBatch: (options: OpenAIBatchOptions) =>
      openaiBatch({
        ...{ apiKey: 'sk-test', baseURL: server.url, batchWindowMs: 100, pollMs: 20 },
        ...options,
        stateFile: join(folder, options.stateFile ?? ''),
      }),
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const body = program.replaceAll(/^import .*\n/gm, '');
  await new AsyncFunction(...Object.keys(given), body)(...Object.values(given));
  expect(printed).toEqual(['High.']);
  expect(api.jobs.map((job) => job.length)).toEqual([3]);
  await rm(folder, { recursive: true });
});

test.each([
  ['Options', OPENAI_OPTIONS],
  ['Half price', BATCH_OPTIONS],
] as const)('the README lists every option under "%s"', (title, options) => {
  const documented = [...sectionOf(title).matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(documented.toSorted()).toEqual([...options].toSorted());
});
