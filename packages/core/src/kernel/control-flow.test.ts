import { describe, expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import type { PlanSettings } from '../contract/plan.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { SimulateOptions } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';
import type { PlanResult } from '../state/result.js';
import { Heap } from '../util/heap.js';

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready = new Heap<TaskView>((a, b) => a.index - b.index);
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

type Script = Omit<SimulateOptions, 'strategy'> & PlanSettings;

/** Attempts take 10 ms unless the script says otherwise. */
function play(tasks: readonly Task[], { goalState, ...options }: Script = {}): PlanResult {
  const plan = { goal: 'test', tasks, ...(goalState && { goalState }) };
  return simulate(plan, { strategy: inOrder, attempt: () => ({ durationMs: 10 }), ...options });
}

/** Attempts at these tasks fail, with this error or one that is not repeated. */
function failing(ids: readonly string[], error: unknown = new Error('no')): Script {
  return {
    attempt: ({ id }) => ({ durationMs: 10, ...(ids.includes(id) && { error }) }),
  };
}

function resultOf({ tasks }: PlanResult, id: string) {
  return tasks.find((task) => task.id === id);
}

function task(id: string, rest: Partial<Task> = {}): Task {
  return { id, description: id, ...rest };
}

describe('a group', () => {
  test('whose subtask was skipped before it began still ends', () => {
    const result = play(
      [
        task('broken'),
        task('slow', { dependencies: ['first'] }),
        task('first'),
        task('group', {
          dependencies: ['slow'],
          subtasks: [task('lost', { dependencies: ['broken'] }), task('kept')],
        }),
      ],
      failing(['broken']),
    );
    expect(resultOf(result, 'lost')).toMatchObject({ status: 'skipped', failedTaskId: 'broken' });
    expect(resultOf(result, 'kept')?.status).toBe('completed');
    expect(resultOf(result, 'group')).toMatchObject({
      status: 'failed',
      error: { code: 'subtasks_failed' },
    });
    expect(result.error?.code).toBe('run_failed');
  });

  test('all of whose subtasks were skipped before it began fails at once', () => {
    const result = play(
      [
        task('broken'),
        task('a'),
        task('b', { dependencies: ['a'] }),
        task('group', {
          dependencies: ['b'],
          subtasks: [task('lost', { dependencies: ['broken'] })],
        }),
      ],
      failing(['broken']),
    );
    expect(resultOf(result, 'group')?.status).toBe('failed');
    expect(result.error?.code).toBe('run_failed');
  });

  test('that fails because of its subtasks has their duration', () => {
    const result = play([task('group', { subtasks: [task('a'), task('b')] })], failing(['a']));
    expect(resultOf(result, 'group')?.durationMs).toBe(10);
  });
});

describe('a fan-out within a fan-out', () => {
  test('has subtasks that depend on tasks of the outer pattern', () => {
    const seen: unknown[] = [];
    const result = play(
      [
        task('outer', {
          forEach: () => ['x', 'y'],
          subtasks: [
            task('first'),
            task('inner', {
              dependencies: ['first'],
              forEach: () => [1],
              subtasks: [task('leaf', { dependencies: ['first'] })],
            }),
          ],
        }),
      ],
      {
        attempt: ({ id }, _, inputs) => {
          if (id.endsWith('leaf')) seen.push({ id, ...inputs });
          return { durationMs: 10, output: `done ${id}` };
        },
      },
    );
    expect(result.status).toBe('completed');
    expect(seen).toEqual([
      { id: 'outer[0].inner[0].leaf', first: 'done outer[0].first', item: 1, index: 0 },
      { id: 'outer[1].inner[0].leaf', first: 'done outer[1].first', item: 1, index: 0 },
    ]);
  });
});

describe('a fan-out', () => {
  test('fails when the id of one of its subtasks is taken', () => {
    const result = play([task('first'), task('each[0].part')], {
      actions: [
        {
          atMs: 5,
          act: (run) =>
            run.addTasks([task('each', { forEach: () => [1], subtasks: [task('part')] })]),
        },
      ],
    });
    expect(resultOf(result, 'each')).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('"each[0].part", which is taken') },
    });
    expect(resultOf(result, 'each[0].part')?.status).toBe('completed');
  });
});

describe('a plan has failed', () => {
  test('when an attempt says that subtasks failed', () => {
    const result = play([task('a')], failing(['a'], new RunnerError('subtasks_failed', 'no')));
    expect(result.error?.code).toBe('run_failed');
  });

  test('when the condition of a group says that subtasks failed', () => {
    const when = () => {
      throw new RunnerError('subtasks_failed', 'no');
    };
    const result = play([task('group', { when, subtasks: [task('a')] })]);
    expect(result.error?.code).toBe('run_failed');
  });

  test('when a task was skipped because of an element that its fan-out tolerates', () => {
    const options: Script = {
      ...failing(['each[0]']),
      actions: [
        {
          atMs: 5,
          act: (run) => {
            const dependencies = ['each[0]'];
            run.addTasks([task('more', { dependencies }), task('most', { dependencies })]);
          },
        },
      ],
    };
    const result = play(
      [task('each', { forEach: { items: () => [1, 2], minSuccess: 1 } })],
      options,
    );
    expect(resultOf(result, 'each')?.status).toBe('completed');
    expect(resultOf(result, 'more')?.reason).toBe('dependency_failed');
    expect(result.error).toMatchObject({
      code: 'run_failed',
      message: 'The run failed. Task "each[0]" failed: no',
    });
  });
});

describe('a human step', () => {
  test.each([
    ['refused', { kind: 'approval' }, 30],
    ['not answered in time', { kind: 'answer', timeoutMs: 20 }, 20],
  ] as const)('that was %s took as long as it waited', (_, waitFor, durationMs) => {
    const result = play([task('ask', { waitFor })], {
      answer: () => ({ afterMs: 30, answer: false }),
    });
    expect(resultOf(result, 'ask')).toMatchObject({ status: 'failed', durationMs });
    expect(result.metrics.criticalPathMs).toBe(durationMs);
  });
});

describe('an attempt', () => {
  test.each([Number.NaN, -1, '5'])('that asks for a wait of %j is still retried', (odd) => {
    const retryAfterMs = odd as number;
    const result = play([task('a')], {
      retry: { maxAttempts: 2, initialDelayMs: 1 },
      ...failing(['a'], new RunnerError('rate_limited', 'no', { retryAfterMs })),
    });
    expect(resultOf(result, 'a')).toMatchObject({ status: 'failed', attempts: 2 });
  });

  test('does not start at the deadline, when it could only be aborted', () => {
    const result = play([task('a'), task('b', { dependencies: ['a'] })], { deadlineMs: 10 });
    expect(resultOf(result, 'a')?.status).toBe('completed');
    expect(resultOf(result, 'b')).toMatchObject({ status: 'canceled', attempts: 0 });
    expect(result.error?.code).toBe('deadline_exceeded');
  });

  test('may be the last one and end at the deadline', () => {
    expect(play([task('a')], { deadlineMs: 10 }).status).toBe('completed');
  });
});
