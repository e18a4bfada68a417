import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { execute, inOrder, statuses } from '../../test/runs.js';
import type { Plan, RunEvent } from '../index.js';
import type { ExecutorOptions } from '../runtime/executor-options.js';

describe('a decision', () => {
  const plan = (kind: string): Plan => ({
    goal: 'x',
    tasks: [
      { id: 'decide', type: 'decision', run: () => ({ kind }) },
      {
        id: 'bug',
        dependencies: ['decide'],
        when: { path: 'decide.kind', operator: '==', value: 'bug' },
        run: () => 'B',
      },
      { id: 'fix', dependencies: ['bug'], run: () => 'F' },
      {
        id: 'question',
        dependencies: ['decide'],
        when: ({ decide }) => decide.kind === 'question',
        run: () => 'Q',
      },
      { id: 'join', dependencies: ['fix', 'question'], run: (inputs) => inputs },
    ],
  });

  test.each([
    ['bug', { fix: 'F' }],
    ['question', { question: 'Q' }],
  ])('takes the branch of a %s, and what joins them runs', async (kind, join) => {
    const { outputs, tasks, status } = await execute(plan(kind));
    expect(status).toBe('completed');
    expect(outputs.join).toEqual(join);
    const left = kind === 'bug' ? 'question' : 'fix';
    expect(tasks.find(({ id }) => id === left)).toMatchObject({
      status: 'skipped',
      reason: 'condition_false',
    });
  });

  test('that chooses nothing skips everything after it', async () => {
    const { tasks, status } = await execute(plan('other'));
    expect(status).toBe('completed');
    expect(tasks.slice(1).every(({ reason }) => reason === 'condition_false')).toBe(true);
  });

  test.each([
    [1, '==', 1, true],
    ['1', '==', 1, false],
    [{ a: [1] }, '==', { a: [1] }, true],
    [1, '!=', 2, true],
    [undefined, '!=', 2, true],
    [2, '>', 1, true],
    ['2', '>', 1, false],
    ['b', '>', 'a', true],
    [1, '>=', 1, true],
    [1, '<', 1, false],
    [1, '<=', 1, true],
    ['hello', 'contains', 'ell', true],
    [[1, { a: 2 }], 'contains', { a: 2 }, true],
    [12, 'contains', 1, false],
    ['aaaa', 'matches', '^(a+)+$', true],
    [`${'a'.repeat(5_000)}!`, 'matches', '^(a+)+$', false],
    [5, 'matches', '5', false],
  ] as const)('compares %j %s %j: %s', async (value, operator, expected, result) => {
    const { tasks } = await execute({
      goal: 'x',
      tasks: [
        { id: 'a', run: () => ({ value }) },
        {
          id: 'b',
          dependencies: ['a'],
          when: { path: 'a.value', operator, value: expected },
          run: () => 1,
        },
      ],
    });
    expect(tasks[1]?.status).toBe(result ? 'completed' : 'skipped');
  });

  test('whose condition throws fails', async () => {
    const when = () => {
      throw new Error('cannot say');
    };
    const { tasks } = await execute({ goal: 'x', tasks: [{ id: 'a', when, run: () => 1 }] });
    expect(tasks[0]).toMatchObject({ status: 'failed', attempts: 0 });
    expect(tasks[0]?.error?.message).toContain('cannot say');
  });
});

describe('a human step', () => {
  const plan: Plan = {
    goal: 'x',
    tasks: [
      { id: 'draft', run: () => 'Hello' },
      { id: 'ok', dependencies: ['draft'], description: 'Send {{draft}}?', waitFor: 'approval' },
      { id: 'other', run: () => 1 },
      { id: 'send', dependencies: ['ok'], run: ({ ok }) => ok },
    ],
  };
  /** A run, and the promise of its first question. */
  function asking(given: Plan, options: Partial<ExecutorOptions> = {}) {
    let ask: (event: Extract<RunEvent, { type: 'task_waiting' }>) => void;
    const question = new Promise<Extract<RunEvent, { type: 'task_waiting' }>>((resolve) => {
      ask = resolve;
    });
    const run = execute(given, {
      ...options,
      onEvent: (event) => void (event.type === 'task_waiting' && ask(event)),
    });
    return { run, question };
  }

  test('asks, takes no slot, and completes when it is approved', async () => {
    const { run, question } = asking(plan, { maxParallel: 1 });
    expect(await question).toMatchObject({
      taskId: 'ok',
      kind: 'approval',
      question: 'Send Hello?',
    });
    await run.approve('ok');
    const { outputs, tasks } = await run;
    expect(outputs).toMatchObject({ ok: true, send: true, other: 1 });
    expect(tasks[1]?.attempts).toBe(0);
  });

  test('fails with the reason when it is rejected', async () => {
    const { run, question } = asking(plan);
    await question;
    await run.reject('ok', 'too short');
    const { tasks } = await run;
    expect(tasks[1]?.error).toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('too short'),
    });
    expect(statuses({ tasks })).toMatchObject({ send: 'skipped', other: 'completed' });
  });

  test('accepts only an answer that matches its schema, and keeps waiting otherwise', async () => {
    const { run, question } = asking({
      goal: 'x',
      tasks: [
        { id: 'n', description: 'How many?', waitFor: 'answer', outputSchema: z.number().max(5) },
      ],
    });
    await question;
    await expect(run.answer('n', 7)).rejects.toThrow(/the answer to task "n" is invalid: .*<=5/);
    await run.answer('n', 3);
    await expect(run.answer('n', 4)).rejects.toMatchObject({ code: 'not_waiting' });
    expect((await run).outputs).toEqual({ n: 3 });
  });

  test('cannot be answered before it asks, or when it does not exist', async () => {
    const { run, question } = asking(plan);
    await expect(run.approve('ok')).rejects.toMatchObject({ code: 'not_waiting' });
    await question;
    await expect(run.approve('nothing')).rejects.toThrow(/there is no such task/);
    await expect(run.answer('ok', 'yes')).rejects.toThrow(/must be true or false/);
    run.cancel();
    const { tasks } = await run;
    expect(tasks[1]).toMatchObject({ status: 'canceled' });
    await expect(run.approve('ok')).rejects.toMatchObject({ code: 'not_waiting' });
  });

  test.each([
    [{ default: true }, 'completed', undefined],
    [{ default: false }, 'failed', 'rejected'],
    [{}, 'failed', 'timeout'],
  ])('that nobody answers in time, with %j, is %s', async (given, status, code) => {
    const waitFor = { kind: 'approval', timeoutMs: 5, ...given } as const;
    const { tasks } = await execute({
      goal: 'x',
      tasks: [{ id: 'ok', description: 'Ok?', waitFor }],
    });
    expect(tasks[0]?.status).toBe(status);
    expect(tasks[0]?.error?.code).toBe(code);
  });
});

describe('the handle', () => {
  test('pauses and resumes: running tasks continue, none starts', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'a', run: () => 1 },
        { id: 'b', dependencies: ['a'], run: () => 2 },
      ],
    };
    const run = execute(plan, {
      onEvent(event) {
        if (event.type === 'task_started' && event.taskId === 'a') run.pause();
        if (event.type === 'run_paused') setTimeout(() => run.resume(), 5);
      },
    });
    const types = (await run).timeline.map(({ type }) => type);
    expect(types.slice(3, 6)).toEqual(['run_paused', 'task_completed', 'run_unpaused']);
    expect(types.at(-1)).toBe('run_completed');
  });

  test('a run can be paused before it starts, and canceled while it is paused', async () => {
    const run = execute({ goal: 'x', tasks: [{ id: 'a', run: () => 1 }] });
    run.pause();
    setTimeout(() => run.cancel(), 5);
    const { status, timeline } = await run;
    expect(status).toBe('canceled');
    expect(timeline.map(({ type }) => type)).toEqual([
      'run_started',
      'strategy_initialized',
      'run_paused',
      'task_canceled',
      'run_canceled',
    ]);
  });

  test('changes the cap, also above that of the strategy', async () => {
    let running = 0;
    let peak = 0;
    const tasks = Array.from({ length: 12 }, (_, n) => ({
      id: `${n}`,
      async run() {
        peak = Math.max(peak, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
      },
    }));
    const run = execute({ goal: 'x', tasks }, { strategy: { ...inOrder, maxParallel: 1 } });
    run.setMaxParallel(4);
    expect(() => run.setMaxParallel(0)).toThrow(/an integer ≥ 1/);
    await run;
    expect(peak).toBe(4);
  });
});
