import { createExecutor, createPlan, tool } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { inOrder } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { simulated } from './simulated.js';

describe('the simulated model passes the conformance suite', () => {
  const cases = runnerConformance(() => simulated({ latencyMs: 2 }), {
    failing: () => simulated({ latencyMs: 2, failureRate: 1 }),
    hanging: () => simulated({ latencyMs: 60_000 }),
  });
  for (const { name, run } of cases) test(name, run);
});

test('it calls each tool of a task once, and counts the usage', async () => {
  const cities: string[] = [];
  const weather = tool({
    name: 'weather',
    description: 'The weather in a city.',
    inputSchema: z.object({ city: z.enum(['Lisbon', 'Rome']) }),
    execute({ city }) {
      cities.push(city);
      return 'sunny '.repeat(100);
    },
  });
  const plan = createPlan('Pack')
    .addTask({ id: 'with', description: 'What to pack?', tools: [weather] })
    .addTask({ id: 'without', description: 'What to pack?' });
  const price = { inputUsd: 1, outputUsd: 1 };
  const runner = simulated({ latencyMs: 1, pricePerMillionTokens: price });
  const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
  expect(result.status).toBe('completed');
  expect(cities).toHaveLength(1);
  const completed = result.timeline.filter((event) => event.type === 'task_completed');
  const withTool = completed.find(({ taskId }) => taskId === 'with');
  const without = completed.find(({ taskId }) => taskId === 'without');
  const { inputTokens = 0, outputTokens = 0 } = withTool?.usage ?? {};
  expect(inputTokens).toBeGreaterThan(150 + (without?.usage?.inputTokens ?? 0));
  expect(withTool?.costUsd).toBeCloseTo((inputTokens + outputTokens) / 1e6, 12);
  const parts = result.timeline.flatMap((event) =>
    event.type === 'task_output' && event.taskId === 'with' ? event.kind : [],
  );
  expect(parts.filter((kind) => kind !== 'text')).toEqual([
    'step',
    'tool_call',
    'tool_result',
    'step',
  ]);
});
