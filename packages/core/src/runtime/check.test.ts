import { expect, test } from 'vitest';
import * as z from 'zod';
import { inOrder, planOf, runnerOf } from '../../test/runs.js';
import { createPlan } from '../contract/plan-builder.js';
import type { TaskRunner } from '../contract/runner.js';
import { tool } from '../contract/tool.js';
import { createExecutor } from './executor.js';

const unpriced = (name: string): TaskRunner => ({
  ...runnerOf().runner,
  name,
  pricing: { unknownModels: [`${name}-1`] },
});
const search = tool({
  name: 'search',
  description: 'Finds.',
  inputSchema: z.object({ q: z.string() }),
  execute: ({ q }) => q,
});

test('check() finds all errors at once, which execute() would throw one by one', () => {
  const runners = { one: unpriced('one'), two: unpriced('two') };
  const executor = createExecutor({ strategy: inOrder, runner: 'one', runners, tools: [search] });
  const plan = createPlan('x', {
    inputs: z.object({ company: z.string() }),
    budget: { costUsd: 1 },
  })
    .addTask({ id: 'a', description: 'x' })
    .addTask({ id: 'b', description: 'x', model: 'two' })
    .addTask({ id: 'c', description: 'x', model: 'tow' })
    .addTask({ id: 'd', tool: 'serch' })
    .addTask({ id: 'e', command: ['ls'] });
  const errors = executor.check(plan, { inputs: {} as never });
  expect(errors.map(({ code }) => code)).toEqual([
    'invalid_inputs',
    'invalid_plan',
    'invalid_option',
    'invalid_plan',
  ]);
  const text = errors.map(({ message }) => message).join('\n');
  expect(text).toContain('company: is missing');
  expect(text).toContain('there is no runner "tow". Did you mean "two"?');
  expect(text).toContain('the prices of "one-1", "two-1" are unknown; add them to prices');
  expect(text).toContain('there is no tool "serch". Did you mean "search"?');
  expect(text).toContain('tasks[4].command: the executor runs no commands');
  expect(() => executor.execute(plan, { inputs: {} as never })).toThrow('company: is missing');
});

test('check() finds nothing where execute() starts, and starts nothing', () => {
  const executor = createExecutor({ strategy: inOrder, tools: [search] });
  const plan = planOf({ id: 'a', tool: 'search', args: { q: 'x' } });
  expect(executor.check(plan)).toEqual([]);
  expect(executor.check(planOf()).map(({ code }) => code)).toEqual(['invalid_plan']);
  const missing = executor.check(planOf({ id: 'a', description: 'x' }), { budget: { costUsd: 1 } });
  expect(missing.map(({ code }) => code)).toEqual(['missing_runner']);
  expect(() => executor.check(plan, { budgt: {} } as never)).toThrow('check() has no option');
});
