import { expect, test } from 'vitest';
import { recorded } from '../../test/recorded.js';
import { inOrder, planOf } from '../../test/runs.js';
import type { Plan } from '../contract/plan.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from '../runtime/executor.js';
import type { SimulateOptions } from '../simulate/options.js';
import { resumeSimulation, simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';

/** A loop over a task that it needs, and a task that needs both. */
const plan: Plan = planOf(
  { id: 'limit', description: 'x' },
  {
    id: 'count',
    description: 'x',
    dependencies: ['limit'],
    repeat: {
      until: ({ count, limit }: { count: number; limit: number }) => count >= limit,
      maxIterations: 4,
    },
  },
  { id: 'last', description: 'x', dependencies: ['count'] },
);

function run(outputs: Record<string, unknown>, options: Partial<SimulateOptions> = {}) {
  const attempt: SimulateOptions['attempt'] = ({ id }) => {
    const output = outputs[id] ?? id;
    return { durationMs: 10, ...(output instanceof Error ? { error: output } : { output }) };
  };
  return { strategy: inOrder, retry: { maxAttempts: 1 }, attempt, ...options };
}

const counts = { limit: 3, 'count#1': 1, 'count#2': 2, 'count#3': 3 };

function statusesOf({ tasks }: PlanResult): Record<string, string> {
  return Object.fromEntries(tasks.map(({ id, status, reason }) => [id, reason ?? status]));
}

test('a run resumes in the iteration that it was in, after any event', () => {
  const whole = simulate(plan, run(counts));
  expect(whole.status).toBe('completed');
  for (let events = 1; events <= whole.timeline.length; events++) {
    const log = recorded(plan, whole.timeline.slice(0, events));
    const resumed = resumeSimulation(plan, run(counts), log);
    expect(resumed.outputs, `after ${events} events`).toEqual(whole.outputs);
    expect(resumed.tasks.map(({ loop }) => loop)).toEqual(whole.tasks.map(({ loop }) => loop));
    expect(resumed.tasks.map(({ attempts }) => attempts)).toEqual(
      whole.tasks.map(({ attempts }) => attempts),
    );
  }
});

test('a failed iteration is run again with retryFailed, and the loop continues', () => {
  const failed = simulate(plan, run({ ...counts, 'count#2': new Error('no ink') }));
  expect(statusesOf(failed)).toMatchObject({ count: 'failed', 'count#1': 'completed' });
  const log = recorded(plan, failed.timeline);
  const again = resumeSimulation(plan, run(counts), log, { retryFailed: true });
  expect(again.status).toBe('completed');
  expect(again.outputs.count).toBe(3);
  const attempts = Object.fromEntries(again.tasks.map(({ id, attempts }) => [id, attempts]));
  expect(attempts).toMatchObject({ 'count#1': 1, 'count#2': 2, 'count#3': 1 });
});

test('a loop whose inputs change runs again from its first iteration, and ends when it may', () => {
  const clean: Plan = planOf(
    { id: 'start', description: 'x' },
    { id: 'limit', description: 'x', dependencies: ['start'], runAfter: 'settled' },
    ...plan.tasks.slice(1),
  );
  const first = simulate(clean, run({ ...counts, start: new Error('no') }));
  expect(statusesOf(first)).toMatchObject({ start: 'failed', count: 'completed' });
  const log = recorded(clean, first.timeline);
  const options = { retryFailed: true };
  const sooner = resumeSimulation(clean, run({ ...counts, limit: 2 }), log, options);
  expect(sooner.status).toBe('completed');
  expect(sooner.outputs.count).toBe(2);
  expect(statusesOf(sooner)).toMatchObject({
    'count#2': 'completed',
    'count#3': 'condition_false',
  });
  expect(sooner.tasks.find(({ id }) => id === 'count')?.loop).toEqual({
    ending: 'reached',
    iterations: 2,
  });
  const later = resumeSimulation(clean, run({ ...counts, limit: 4, 'count#4': 4 }), log, options);
  expect(later.outputs.count).toBe(4);
  // Once more, after each event: also between an iteration and the end of its loop.
  for (const [outputs, expected] of [
    [{ ...counts, limit: 2 }, sooner],
    [{ ...counts, limit: 4, 'count#4': 4 }, later],
  ] as const) {
    for (let events = log.length + 1; events <= expected.timeline.length; events++) {
      const cut = recorded(clean, expected.timeline.slice(0, events));
      const resumed = resumeSimulation(clean, run(outputs), cut);
      expect(statusesOf(resumed), `after ${events} events`).toEqual(statusesOf(expected));
      expect(resumed.outputs).toEqual(expected.outputs);
    }
  }
});

test('an accepted plan that changes a loop begins it again, and keeps it otherwise', async () => {
  const journal = memoryJournal();
  const calls: string[] = [];
  let fails = true;
  const executor = createExecutor({
    strategy: inOrder,
    journal,
    runner: {
      name: 'counting',
      run: async ({ taskId }) => {
        calls.push(taskId);
        if (taskId === 'last' && fails) throw new Error('not yet');
        return { output: { n: Number(/#(\d)/.exec(taskId)?.[1] ?? 0) } };
      },
    },
  });
  const looping = (value: number, last = 'x'): Plan =>
    planOf(
      {
        id: 'draft',
        description: 'x',
        repeat: { until: { path: 'draft.n', operator: '>=', value } },
      },
      { id: 'last', description: last, dependencies: ['draft'] },
    );
  const first = await executor.execute(looping(2), { runId: 'r', retry: { maxAttempts: 1 } });
  expect(first.status).toBe('failed');
  expect(calls.splice(0)).toEqual(['draft#1', 'draft#2', 'last']);
  fails = false;
  const changed = { plan: looping(2, 'y'), acceptChanges: true };
  const kept = await executor.resume('r', changed);
  expect(kept.status).toBe('completed');
  expect(calls.splice(0)).toEqual(['last']);
  expect(kept.tasks[0]?.loop).toEqual({ ending: 'reached', iterations: 2 });
  const longer = await executor.resume('r', { plan: looping(3, 'y'), acceptChanges: true });
  expect(longer.status).toBe('completed');
  expect(calls).toEqual(['draft#1', 'draft#2', 'draft#3', 'last']);
});

test('the iterations of an earlier run are reused as far as their prompts are the same', async () => {
  const journal = memoryJournal();
  const calls: string[] = [];
  const executor = createExecutor({
    strategy: inOrder,
    journal,
    reuse: true,
    runner: {
      name: 'counting',
      run: async ({ taskId }) => {
        calls.push(taskId);
        return { output: `text of ${taskId}` };
      },
    },
  });
  const looping = (value: number): Plan =>
    planOf({
      id: 'draft',
      description: 'Write more',
      repeat: { until: { path: 'iteration', operator: '>=', value } },
    });
  await executor.execute(looping(2));
  expect(calls.splice(0)).toEqual(['draft#1', 'draft#2']);
  const longer = await executor.execute(looping(3));
  expect(calls).toEqual(['draft#3']);
  expect(longer.tasks.map(({ reused }) => reused !== undefined)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
