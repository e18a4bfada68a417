import type { Plan, Replan } from '@stratagem/core';
import { expect, test } from 'vitest';
import { runPlan, start } from '../../test/run-plan.js';
import { createLineProgress } from './line-progress.js';

/** The lines of a run, without its times. */
async function linesOf(tasks: Plan['tasks'], replan?: Replan): Promise<string[]> {
  let text = '';
  const progress = createLineProgress({
    write: (line: string) => {
      text += line;
    },
  });
  await runPlan(tasks, { onEvent: progress.onEvent, ...(replan && { replan }) });
  progress.stop();
  return (
    text.match(/.*\n/g)?.map((line) => {
      expect(line).toMatch(/^ *\[\d+\.\d\d s\] /);
      return line
        .slice(line.indexOf('] ') + 2)
        .replace(/(in|after) \d+ ms/, '$1 0 ms')
        .trimEnd();
    }) ?? []
  );
}

function no(): never {
  throw new Error('no idea');
}

test('a small plan gets a line for each event', async () => {
  expect(
    await linesOf([
      { id: 'a', description: 'x' },
      { id: 'b', description: 'fail \u001b[31m' },
      { id: 'c', description: 'x', dependencies: ['b'] },
    ]),
  ).toEqual([
    'started   a',
    'completed a in 0 ms',
    'started   b',
    'failed    b: fail ␛[31m it did',
    'skipped   c: task "b" failed',
  ]);
});

test('a loop shows its iterations, and how it ended', async () => {
  const until = { path: 'iteration', operator: '>=', value: 2 } as const;
  expect(
    await linesOf([
      { id: 'a', description: 'x', repeat: { until } },
      { id: 'b', description: 'x', repeat: { until, maxIterations: 1 }, dependencies: ['a'] },
    ]),
  ).toEqual([
    'repeat    a#1',
    'started   a#1',
    'completed a#1 in 0 ms',
    'repeat    a#2',
    'started   a#2',
    'completed a#2 in 0 ms',
    'completed a in 0 ms (until reached after 2 iterations)',
    'repeat    b#1',
    'started   b#1',
    'completed b#1 in 0 ms',
    'completed b in 0 ms (until not reached after 1 iteration)',
  ]);
});

test('a replanning round is shown with its reason and its result', async () => {
  const tasks = [{ id: 'a', description: 'fail as' }];
  const lines = await linesOf(tasks, {
    revise: ({ round }) => (round === 1 ? [{ id: 'b', description: 'fail as' }] : no()),
  });
  expect(lines).toEqual([
    'started   a',
    'failed    a: fail as it did',
    'replan    round 1: 1 task failed',
    'replan    round 1: added 1 task in 0 ms',
    'added     1 task',
    'started   b',
    'failed    b: fail as it did',
    'replan    round 2: 1 task failed',
    'replan    Re-planning failed in round 2: no idea',
  ]);
});

test('canceled tasks are named', async () => {
  let text = '';
  const progress = createLineProgress({
    write: (line: string) => {
      text += line;
    },
  });
  const run = start([{ id: 'a', run: () => new Promise(() => {}) }], {
    onEvent: progress.onEvent,
  });
  for await (const { type } of run) if (type === 'task_started') run.cancel();
  expect(text).toMatch(/\] canceled {2}a\n$/);
});

test('a large plan gets twenty counts and its first failures', async () => {
  const tasks = Array.from({ length: 1_000 }, (_, index) => ({
    id: `t${index}`,
    description: index >= 500 && index < 540 ? 'fail as' : 'x',
  }));
  const lines = await linesOf(tasks);
  const failures = lines.filter((line) => line.startsWith('failed '));
  const counts = lines.filter((line) => !line.startsWith('failed '));
  expect(failures).toHaveLength(20);
  expect(failures[0]).toBe('failed    t500: fail as it did');
  expect(counts).toHaveLength(20);
  expect(counts[0]).toBe('50/1000 completed, 0 running');
  expect(counts.at(-1)).toBe('960/1000 completed, 40 failed, 0 running');
});

test('changes of the strategy are shown, even for a large plan', () => {
  let text = '';
  const progress = createLineProgress({
    write: (line: string) => {
      text += line;
    },
  });
  const tasks = Array.from({ length: 1_000 }, (_, index) => ({ id: `${index}`, description: 'x' }));
  const change = { type: 'strategy_switched', reason: 'it keeps up', limit: 8 } as const;
  for (const event of [
    { type: 'run_started', plan: { goal: 'x', tasks }, seed: 1 },
    { ...change, from: 'sequential', to: 'parallel' },
    { ...change, from: 'parallel', to: 'parallel', limit: 16, resource: 'openai/gpt\u001b[31m' },
    { type: 'strategy_switched', from: 'parallel', to: 'paced', reason: 'told to' },
    {
      ...{ ...change, from: 'parallel', to: 'parallel' },
      explanations: [{ explanation: 'requests do not slow each other down', probability: 0.9 }],
      comparison: { expectedLoss: 0.1, rejectedLimit: 4, rejectedLoss: 0.5 },
    },
  ] as const) {
    progress.onEvent({ sequence: 0, timestamp: 0, ...event });
  }
  expect(text.split('\n')).toEqual([
    '   [0.00 s] strategy  sequential → parallel, limit 8: it keeps up',
    '   [0.00 s] strategy  parallel, limit 16 (openai/gpt␛[31m): it keeps up',
    '   [0.00 s] strategy  parallel → paced: told to',
    '   [0.00 s] strategy  parallel, limit 8: it keeps up. Likeliest: requests do not slow each other down ' +
      '(90 %). A limit of 8 is expected to lose 10 % of the throughput, 4 would lose 50 %.',
    '',
  ]);
});

test('an exceeded budget is named, with its resource', () => {
  let text = '';
  const progress = createLineProgress({ write: (line: string) => (text += line) });
  const plan = { goal: 'x', tasks: [{ id: 'a', description: 'x' }] };
  progress.onEvent({ type: 'run_started', sequence: 0, timestamp: 0, plan, seed: 1 });
  const at = { type: 'budget_exceeded', sequence: 1, timestamp: 0, taskId: 'a' } as const;
  const figures = { limit: 1, used: 1, requested: 0 };
  progress.onEvent({ ...at, ...figures, budget: 'costUsd', resource: 'openai/gpt-5' });
  progress.onEvent({ ...at, ...figures, budget: 'wallTimeMs' });
  progress.stop();
  expect(text).toContain('budget    cost budget used up at openai/gpt-5\n');
  expect(text).toContain('budget    time budget used up\n');
});
