import { OptionError, RunnerError, tool } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { planningModel, workerModel } from '../../test/models.js';
import { DecompositionError } from '../ask/decomposition-error.js';
import type { PlanAndExecuteOptions } from './options.js';
import { planAndExecute } from './plan-and-execute.js';

const GOAL = 'Research the market, then compare {{all}} vendors and write a report';
const search = tool({
  name: 'search',
  description: 'Searches.',
  inputSchema: z.object({}),
  execute: () => '',
});

function start(answers: readonly unknown[], options: Partial<PlanAndExecuteOptions> = {}) {
  const { runner: planner } = planningModel(...answers);
  const tasks = workerModel();
  const handle = planAndExecute(GOAL, {
    strategy: parallel(),
    planner,
    runner: { ...tasks.runner, supportsTools: true },
    complexity: 'complex',
    retry: { maxAttempts: 1 },
    repairAttempts: 1,
    fallback: 'single-task',
    ...options,
  });
  return { handle, worked: tasks.requests };
}

describe.each([false, true])('fallback with stream: %s', (stream) => {
  test('one task with the goal and all tools answers when no plan can be made', async () => {
    const { handle, worked } = start(['no', 'never'], { stream, tools: [search] });
    const result = await handle;
    expect(result).toMatchObject({
      status: 'completed',
      output: 'answer is done',
      plan: { tasks: [{ id: 'answer', tools: ['search'] }] },
      // Two requests for a plan, and one task.
      costUsd: 2 + 0.5,
      planning: {
        rejectedAnswers: [{ answer: 'no' }, { answer: 'never' }],
        result: { status: 'failed' },
        failure: { code: 'invalid_output' },
      },
    });
    expect(result.planning.failure).toBeInstanceOf(DecompositionError);
    expect(worked.map(({ prompt }) => prompt)).toEqual([GOAL]);
  });

  test('a notice in the log says so', async () => {
    const { handle } = start(['no', 'never'], { stream });
    const { result } = await handle;
    const notices = result?.timeline.filter((event) => {
      return event.type === 'task_output' && JSON.stringify(event).includes('"notice"');
    });
    expect(notices).toHaveLength(1);
    expect(JSON.stringify(notices)).toMatch(
      /One task answers the goal, because planning failed\. No plan could be made/,
    );
  });

  test('is off by default', async () => {
    const { handle, worked } = start(['no', 'never'], { stream, fallback: undefined });
    const result = await handle;
    expect(result).toMatchObject({ status: 'failed', error: { code: expect.any(String) } });
    expect(result.planning.failure).toBeUndefined();
    expect(worked).toEqual([]);
  });

  test('does not replace a plan that can be made', async () => {
    const plan = JSON.stringify({
      tasks: [
        { id: 'a', description: 'Do a.', dependencies: [] },
        { id: 'b', description: 'Do b.', dependencies: ['a'] },
      ],
    });
    const { handle, worked } = start(['no', plan], { stream });
    expect(await handle).toMatchObject({ status: 'completed', output: 'b is done' });
    expect(worked).toHaveLength(2);
  });

  test('answers when the planner cannot be asked at all', async () => {
    const refused = new RunnerError('authentication', 'the key is wrong');
    const { handle } = start([refused], { stream });
    const result = await handle;
    expect(result).toMatchObject({ status: 'completed', output: 'answer is done' });
    expect(result.planning.failure?.code).toBe('authentication');
  });

  test('does not answer a goal that is canceled, or whose budget is used up', async () => {
    const canceled = start(['no', 'never'], { stream });
    canceled.handle.cancel();
    expect(await canceled.handle).toMatchObject({ status: 'canceled' });
    const spent = start(['no', 'never'], { stream, budget: { costUsd: 1 } });
    expect(await spent.handle).toMatchObject({ status: 'failed' });
    expect([...canceled.worked, ...spent.worked]).toEqual([]);
  });
});

test('the plan of the fallback is reviewed like any other', async () => {
  const seen: unknown[] = [];
  const { handle, worked } = start(['no', 'never'], {
    review: (plan) => {
      seen.push(...plan.tasks.map(({ id }) => id));
      return false;
    },
  });
  expect(await handle).toMatchObject({ status: 'canceled' });
  expect({ seen, worked }).toEqual({ seen: ['answer'], worked: [] });
});

test('an unknown fallback is refused', () => {
  const options = { fallback: 'react' } as unknown as PlanAndExecuteOptions;
  expect(() => start([], options)).toThrow(OptionError);
  expect(() => start([], options)).toThrow(/fallback must be 'single-task'/);
});
