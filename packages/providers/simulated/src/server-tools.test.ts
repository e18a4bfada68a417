import { createExecutor, createPlan, type TaskOptions } from '@stratagem/core';
import { inOrder } from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { simulated } from './simulated.js';

async function resultOf(options: TaskOptions) {
  const plan = createPlan('Tides').addTask({ id: 'a', description: 'Why tides?', ...options });
  const executor = createExecutor({ strategy: inOrder, runner: simulated({ latencyMs: 0 }) });
  const { tasks } = await executor.execute(plan).orThrow();
  return tasks[0];
}

test('tools of the provider leave a call each, and searches a source', async () => {
  const source = { url: 'https://example.com/', title: 'A simulated page' };
  expect(await resultOf({ serverTools: ['web_search', 'code_execution'] })).toMatchObject({
    citations: [source],
    serverToolCalls: [
      { tool: 'web_search', queries: ['Why tides?'], sources: [source] },
      { tool: 'code_execution', stdout: 'simulated\n', exitCode: 0 },
    ],
  });
  const code = await resultOf({ serverTools: ['code_execution'] });
  expect(code).not.toHaveProperty('citations');
});

test('none are called without them, or where the task forbids it', async () => {
  expect(await resultOf({})).not.toHaveProperty('serverToolCalls');
  const forbidden = await resultOf({ serverTools: ['web_search'], toolChoice: 'none' });
  expect(forbidden).not.toHaveProperty('serverToolCalls');
});
