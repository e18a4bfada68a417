import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logOf, testJournal } from '../../test/journals.js';
import { inOrder } from '../../test/runs.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { createExecutor } from './executor.js';

/**
 * Resumes a run whose journal fails again and again at random appends. Published events equal written
 * ones, and each task completes once.
 */
test('a run survives any number of journal failures and completes every task once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(12), { maxLength: 6 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (failures, isAsync, maxParallel) => {
        let left: number | undefined;
        const journal = testJournal((): void | Promise<void> => {
          if (left !== undefined && left-- === 0) {
            throw new JournalError('journal_full', 'there is no room left');
          }
          return isAsync ? setImmediate() : undefined;
        });
        const done = new Map<string, number>();
        const plan = planFor(done);
        const executor = createExecutor({ strategy: inOrder, journal, maxParallel });
        const told: string[] = [];
        const onEvent = (event: { type: string; taskId?: string }) => {
          if (event.type === 'task_completed') told.push(event.taskId as string);
        };
        [left] = failures;
        let result = await executor.execute(plan, { runId: 'run', onEvent });
        for (const next of failures.slice(1)) {
          if (result.error?.code !== 'journal_full') break;
          left = next;
          // A run that was created and never started starts now.
          result = await executor.resume('run', { plan, onEvent });
        }
        left = undefined;
        if (result.error?.code === 'journal_full') {
          result = await executor.resume('run', { plan, onEvent });
        }
        expect(result.status, result.error?.message).toBe('completed');
        const log = await logOf(journal, 'run');
        const completed = log.filter(({ type }) => type === 'task_completed');
        const ids = completed.map(({ taskId }) => taskId as string);
        expect(new Set(ids).size).toBe(ids.length);
        expect(told).toEqual(ids);
        expect(ids.toSorted()).toEqual(result.tasks.map(({ id }) => id).toSorted());
        expect(result.outputs.sum).toBe(60);
        expect(result.outputs.grow).toEqual({ step: 2, add: 6 });
        expect(result.outputs.late).toBe('late');
      },
    ),
    { numRuns: 300 },
  );
});

/**
 * Interrupts a run again and again after random events, with and without draining it. The next process
 * resumes it at once; each task completes once, and a drained attempt counts.
 */
test('a run survives any number of interruptions and completes every task once', async () => {
  const interruption = fc.record({ after: fc.nat(12), drain: fc.boolean() });
  let interrupted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(interruption, { maxLength: 6 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (interruptions, isAsync, maxParallel) => {
        const journal = testJournal(() => (isAsync ? setImmediate() : undefined));
        const plan = planFor(new Map());
        const executor = createExecutor({ strategy: inOrder, journal, maxParallel });
        const told: string[] = [];
        const play = (start: typeof executor.resume, stop?: (typeof interruptions)[number]) => {
          let left = stop?.after;
          const run = start('run', {
            plan,
            onEvent(event) {
              if (event.type === 'task_completed') told.push(event.taskId);
              if (left !== undefined && left-- === 0) {
                run.interrupt({ drain: stop?.drain, timeoutMs: 1_000 }).catch(() => {});
              }
            },
          });
          return run;
        };
        const [first, ...others] = interruptions;
        const begin = ((runId, { plan: _, ...options } = {}) =>
          executor.execute(plan, { runId, ...options })) as typeof executor.resume;
        let result = await play(begin, first);
        for (const next of [...others, undefined]) {
          if (result.status !== 'interrupted') break;
          interrupted++;
          result = await play(executor.resume, next);
        }
        expect(result.status, result.error?.message).toBe('completed');
        const log = await logOf(journal, 'run');
        const completed = log.filter(({ type }) => type === 'task_completed');
        const ids = completed.map(({ taskId }) => taskId as string);
        expect(new Set(ids).size).toBe(ids.length);
        expect(told).toEqual(ids);
        expect(ids.toSorted()).toEqual(result.tasks.map(({ id }) => id).toSorted());
        expect(log.some(({ type }) => type === 'run_canceled')).toBe(false);
        expect(result.outputs.sum).toBe(60);
        expect(result.outputs.grow).toEqual({ step: 2, add: 6 });
        expect(result.outputs.late).toBe('late');
      },
    ),
    { numRuns: 200 },
  );
  expect(interrupted).toBeGreaterThan(50);
});

/** With a fan-out, a loop, a group, retries and tasks that come while it runs. */
function planFor(done: Map<string, number>): Plan {
  const count = (id: string) => {
    const times = (done.get(id) ?? 0) + 1;
    done.set(id, times);
    return times;
  };
  const tasks: Task[] = [
    { id: 'list', run: () => [1, 2, 3] },
    {
      id: 'each',
      dependencies: ['list'],
      forEach: 'list',
      // Each crash may void a success, which is followed by a failure: 7 crashes, and 2 attempts.
      retry: { maxAttempts: 9, initialDelayMs: 0, on: ['task_failed'] },
      run({ item }) {
        if (count(`each ${item}`) % 2 === 1) throw new Error('not yet');
        return item * 10;
      },
    },
    {
      id: 'group',
      subtasks: [
        { id: 'one', run: async () => setImmediate(1) },
        { id: 'two', dependencies: ['one'], run: ({ one }) => one + 1 },
      ],
    },
    {
      id: 'adds',
      async run(_, { addTasks }) {
        addTasks([
          {
            id: 'more',
            description: 'x',
            subtasks: [{ id: 'inner', waitFor: WAIT, description: 'x' }],
          },
        ]);
        await setImmediate();
        return 'added';
      },
    },
    {
      id: 'grow',
      dependencies: ['group'],
      repeat: { until: { path: 'add', operator: '>=', value: 6 } },
      subtasks: [
        { id: 'step', run: () => 2 },
        {
          id: 'add',
          dependencies: ['step'],
          run: async ({ step, previous }) => setImmediate((previous?.add ?? 0) + step),
        },
      ],
    },
    {
      id: 'sum',
      dependencies: ['each', 'group', 'grow', 'adds'],
      run: ({ each }) =>
        each.reduce((sum: number, { output }: { output: number }) => sum + output, 0),
    },
    { id: 'late', dependencies: ['sum'], run: () => 'late' },
  ];
  return { goal: 'crash', tasks };
}

/** A human who is never there. */
const WAIT = { kind: 'approval', timeoutMs: 1, default: true } as const;
