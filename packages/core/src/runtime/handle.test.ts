import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { ask, running } from '../../test/human-steps.js';
import {
  deferred,
  eventsOf,
  execute,
  inOrder,
  no,
  planOf,
  problemsOf,
  statuses,
  taskOf,
} from '../../test/runs.js';
import {
  createExecutor,
  createPlan,
  type Plan,
  type RunHandle,
  type StandardSchema,
  type Task,
} from '../index.js';

const notWaiting = { code: 'not_waiting' };

describe('a human step', () => {
  test('passes on answers of every kind unchanged', async () => {
    for (const answer of [0, '', null, undefined, false, { a: [1] }]) {
      const { run, once } = running(
        planOf(ask('n'), { id: 'after', dependencies: ['n'], run: (inputs) => inputs }),
      );
      await once('task_waiting');
      await run.answer('n', answer);
      const { outputs, status } = await run;
      expect(status).toBe('completed');
      expect(outputs.after).toEqual({ n: answer });
    }
  });

  test('asks with the outputs of its dependencies, or with a function of them', async () => {
    const questions: string[] = [];
    const run: RunHandle = execute(
      planOf(
        { id: 'draft', run: () => ({ title: 'T' }) },
        ask('a', { description: 'Is {{draft.title}} good?', dependencies: ['draft'] }),
        ask('b', { description: 'Good?', dependencies: ['draft'] }),
        {
          id: 'c',
          prompt: ({ draft }) => `${draft.title}!`,
          waitFor: 'answer',
          dependencies: ['draft'],
        },
      ),
      {
        onEvent(event) {
          if (event.type !== 'task_waiting') return;
          questions.push(event.question);
          run.answer(event.taskId, 1);
        },
      },
    );
    expect((await run).status).toBe('completed');
    expect(questions).toEqual([
      'Is T good?',
      'Good?\n\n<output task="draft">\n{\n  "title": "T"\n}\n</output>',
      'T!',
    ]);
  });

  test('fails when its question cannot be made', async () => {
    const result = await execute(
      planOf(
        { id: 'draft', run: () => 1 },
        ask('a', { description: '{{draft.title}}', dependencies: ['draft'] }),
        { id: 'b', prompt: no, waitFor: 'approval' },
      ),
    );
    expect(statuses(result)).toMatchObject({ a: 'failed', b: 'failed' });
    expect(taskOf(result, 'a').error?.code).toBe('invalid_input');
  });

  test('takes no slot of the cap', async () => {
    const gate = deferred();
    const { run, once } = running(
      planOf(ask('a'), ask('b'), { id: 'work', run: () => gate.promise }),
      { maxParallel: 1 },
    );
    await once('task_started');
    await run.answer('a', 1);
    await run.answer('b', 2);
    gate.resolve();
    expect((await run).outputs).toMatchObject({ a: 1, b: 2 });
  });

  test('is not an attempt, and reports how long it waited', async () => {
    const { run, once } = running(planOf(ask('a')));
    await once('task_waiting');
    await run.answer('a', 1);
    const result = await run;
    expect(taskOf(result, 'a')).toMatchObject({ status: 'completed', attempts: 0 });
    expect(result.metrics.attempts).toBe(0);
    const [waited] = eventsOf(result, 'task_waiting');
    const [completed] = eventsOf(result, 'task_completed');
    expect(completed?.durationMs).toBeCloseTo(
      (completed?.timestamp ?? 0) - (waited?.timestamp ?? 0),
      3,
    );
  });

  describe('with a schema', () => {
    const plan = createPlan('x').addTask({
      id: 'n',
      description: 'How many?',
      waitFor: 'answer',
      outputSchema: z.string().trim().transform(Number).pipe(z.number().int()),
    });

    test('passes on the output of the schema', async () => {
      const { run, once } = running(plan);
      await once('task_waiting');
      await run.answer('n', ' 12 ');
      expect((await run).outputs).toEqual({ n: 12 });
    });

    test('rejects invalid answers any number of times, and keeps waiting', async () => {
      const { run, once } = running(plan);
      await once('task_waiting');
      for (const answer of ['1.5', 12, undefined]) {
        await expect(run.answer('n', answer)).rejects.toMatchObject({
          code: 'invalid_option',
          message: expect.stringMatching(/^answer\(\): the answer to task "n" is invalid: /),
        });
      }
      await run.answer('n', '3');
      const result = await run;
      expect(result.outputs).toEqual({ n: 3 });
      expect(eventsOf(result, 'task_waiting')).toHaveLength(1);
    });

    test('accepts one of two simultaneous answers', async () => {
      const { run, once } = running(plan);
      await once('task_waiting');
      const both = await Promise.allSettled([run.answer('n', '1'), run.answer('n', '2')]);
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(both[1]).toMatchObject({ reason: notWaiting });
      expect((await run).outputs).toEqual({ n: 1 });
    });

    test('rejects the answer when the run ended during a slow validation', async () => {
      const gate = deferred();
      const slow: StandardSchema = {
        '~standard': {
          version: 1,
          vendor: 'mine',
          validate: (value) => gate.promise.then(() => ({ value })),
        },
      };
      const { run, once } = running(planOf(ask('n', { outputSchema: slow })));
      await once('task_waiting');
      const answered = run.answer('n', 1);
      run.cancel();
      gate.resolve();
      await expect(answered).rejects.toMatchObject(notWaiting);
      expect(taskOf(await run, 'n').status).toBe('canceled');
    });

    test('rejects only the answer when it throws', async () => {
      const broken: StandardSchema = {
        '~standard': { version: 1, vendor: 'mine', validate: no },
      };
      const { run, once } = running(planOf(ask('n', { outputSchema: broken })));
      await once('task_waiting');
      await expect(run.answer('n', 1)).rejects.toThrow('no');
      await run.reject('n');
      expect(taskOf(await run, 'n').error?.code).toBe('rejected');
    });

    test('accepts only a default that matches', () => {
      const waitFor = { kind: 'answer', timeoutMs: 5, default: 7 } as const;
      const task = ask('n', { outputSchema: z.number().max(5), waitFor });
      expect(problemsOf(() => execute(planOf(task)))).toMatchObject([
        { code: 'invalid_value', path: ['tasks', 0, 'waitFor', 'default'] },
      ]);
    });
  });

  describe('cannot be answered', () => {
    test.each<[string, (run: RunHandle) => Promise<void>]>([
      ['answer', (run) => run.answer('later', 1)],
      ['approve', (run) => run.approve('later')],
      ['reject', (run) => run.reject('later')],
    ])('before it asks, after its answer, or without one: %s', async (_, act) => {
      const { run, once } = running(
        planOf(ask('first'), ask('later', { dependencies: ['first'] })),
      );
      await expect(act(run)).rejects.toMatchObject(notWaiting);
      await once('task_waiting');
      await expect(act(run)).rejects.toMatchObject(notWaiting);
      await run.answer('first', 1);
      await act(run);
      await expect(act(run)).rejects.toMatchObject(notWaiting);
      await run;
      await expect(act(run)).rejects.toMatchObject({
        ...notWaiting,
        message: expect.stringContaining('"later"'),
      });
    });

    test('twice in one turn, also from a listener', async () => {
      const late: unknown[] = [];
      const run: RunHandle = execute(planOf(ask('a')), {
        onEvent(event) {
          if (event.type !== 'task_waiting') return;
          run.answer('a', 1);
          run.answer('a', 2).catch((error) => late.push(error));
          run.reject('a').catch((error) => late.push(error));
        },
      });
      expect((await run).outputs).toEqual({ a: 1 });
      expect(late).toMatchObject([notWaiting, notWaiting]);
    });

    test('after a cancellation in the same turn', async () => {
      const { run, once } = running(planOf(ask('a')));
      await once('task_waiting');
      run.cancel();
      await expect(run.answer('a', 1)).rejects.toMatchObject(notWaiting);
      expect((await run).status).toBe('canceled');
    });

    test.each(['work', 'group', 'nothing', '__proto__', ''])('at %j', async (id) => {
      const gate = deferred();
      const { run, once } = running(
        planOf({ id: 'work', run: () => gate.promise }, { id: 'group', subtasks: [ask('a')] }),
      );
      await once('task_waiting');
      await expect(run.answer(id, 1)).rejects.toMatchObject(notWaiting);
      await run.answer('a', 1);
      gate.resolve();
      expect((await run).status).toBe('completed');
    });

    test('with anything but true or false when it is an approval', async () => {
      const { run, once } = running(planOf(ask('ok', { waitFor: 'approval' })));
      await once('task_waiting');
      for (const answer of ['yes', 1, undefined, null]) {
        await expect(run.answer('ok', answer)).rejects.toMatchObject({ code: 'invalid_option' });
      }
      await run.answer('ok', false);
      expect(taskOf(await run, 'ok').error).toMatchObject({
        code: 'rejected',
        message: 'Task "ok" failed: it was not approved',
      });
    });
  });

  test('is not retried when it is rejected, whatever the retry policy', async () => {
    const { run, once } = running({
      ...planOf(ask('ok', { waitFor: 'approval' })),
      retry: { on: ['rejected', 'timeout'], initialDelayMs: 0 },
    });
    await once('task_waiting');
    await run.reject('ok', new Error('too long'));
    const result = await run;
    expect(taskOf(result, 'ok').error?.message).toContain('too long');
    expect(eventsOf(result, 'task_waiting')).toHaveLength(1);
  });

  test('that is rejected stops a run with failFast', async () => {
    const { run, once } = running(planOf(ask('a'), ask('b')), { failFast: true });
    await once('task_waiting');
    await run.reject('a');
    expect(statuses(await run)).toEqual({ a: 'failed', b: 'skipped' });
  });

  test('is skipped when the goal is achieved without it', async () => {
    const plan: Plan = {
      ...planOf(ask('a'), { id: 'b', run: () => 1 }),
      goalState: { criteria: [{ path: 'outputs.b', operator: '==', value: 1 }] },
    };
    const result = await execute(plan);
    expect(result.status).toBe('completed');
    expect(taskOf(result, 'a')).toMatchObject({ status: 'skipped', reason: 'goal_achieved' });
  });
});

describe('in time', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each<[string, Task['waitFor'], object]>([
    ['an answer by default', { kind: 'answer', timeoutMs: 60_000, default: 'd' }, { output: 'd' }],
    [
      'an answer by default that says nothing',
      { kind: 'answer', timeoutMs: 60_000, default: null },
      { output: null },
    ],
    [
      'an approval by default',
      { kind: 'approval', timeoutMs: 60_000, default: true },
      { output: true },
    ],
    [
      'no approval by default',
      { kind: 'approval', timeoutMs: 60_000, default: false },
      { status: 'failed', error: { code: 'rejected' } },
    ],
    [
      'no answer',
      { kind: 'answer', timeoutMs: 60_000 },
      {
        status: 'failed',
        error: { code: 'timeout', message: expect.stringContaining('60000 ms') },
      },
    ],
  ])('a human step has %s', async (_, waitFor, expected) => {
    const run = execute(planOf(ask('a', { waitFor } as Partial<Task>)));
    await vi.advanceTimersByTimeAsync(59_999);
    await expect(run.answer('b', 1)).rejects.toMatchObject(notWaiting);
    await vi.advanceTimersByTimeAsync(2);
    expect(taskOf(await run, 'a')).toMatchObject(expected);
    await expect(run.answer('a', 1)).rejects.toMatchObject(notWaiting);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an answer just before the timeout counts and leaves no timer', async () => {
    const waitFor = { kind: 'answer', timeoutMs: 60_000, default: 'late' } as const;
    const run = execute(planOf(ask('a', { waitFor })));
    await vi.advanceTimersByTimeAsync(59_999);
    await run.answer('a', 'in time');
    await vi.advanceTimersByTimeAsync(1);
    expect((await run).outputs).toEqual({ a: 'in time' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a wait continues while the run is paused', async () => {
    const waitFor = { kind: 'answer', timeoutMs: 1_000, default: 'd' } as const;
    const run = execute(
      planOf(ask('a', { waitFor }), { id: 'b', dependencies: ['a'], run: () => 1 }),
    );
    await vi.advanceTimersByTimeAsync(1);
    run.pause();
    await vi.advanceTimersByTimeAsync(5_000);
    run.resume();
    await vi.advanceTimersByTimeAsync(1);
    const result = await run;
    expect(result.timeline.map(({ type }) => type).slice(3)).toEqual([
      'run_paused',
      'task_completed',
      'run_unpaused',
      'task_started',
      'task_completed',
      'run_completed',
    ]);
  });

  test('the deadline ends a run that waits, or is paused', async () => {
    const run = execute(planOf(ask('a')), { deadlineMs: 1_000 });
    run.pause();
    await vi.advanceTimersByTimeAsync(1_001);
    const result = await run;
    expect(result.error?.code).toBe('deadline_exceeded');
    expect(taskOf(result, 'a')).toMatchObject({ status: 'canceled', reason: 'deadline_exceeded' });
  });

  test('a retry that is due while the run is paused waits until it is resumed', async () => {
    const started: number[] = [];
    const began = Date.now();
    const run = execute(
      planOf({
        id: 'a',
        timeoutMs: 100,
        retry: { maxAttempts: 2, initialDelayMs: 0 },
        run(_, { attempt }) {
          started.push(Date.now() - began);
          return attempt === 1 ? new Promise(() => {}) : 'done';
        },
      }),
    );
    await vi.advanceTimersByTimeAsync(50);
    run.pause();
    await vi.advanceTimersByTimeAsync(950);
    expect(started).toHaveLength(1);
    run.resume();
    await vi.advanceTimersByTimeAsync(1);
    expect((await run).outputs).toEqual({ a: 'done' });
    expect(started).toHaveLength(2);
  });
});

test('a run whose handle is dropped causes no unhandled rejection', async () => {
  const executor = createExecutor({ strategy: inOrder });
  executor.execute(planOf({ id: 'a', run: async () => no() }));
  const { result } = executor.execute(planOf({ id: 'a', run: async () => no(), when: no }));
  expect((await result).status).toBe('failed');
});
