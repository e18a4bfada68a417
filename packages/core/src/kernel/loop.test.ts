import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { execute, inOrder, planOf, runnerOf } from '../../test/runs.js';
import { createPlan } from '../contract/plan-builder.js';
import type { Repeat } from '../contract/repeat.js';
import type { Task } from '../contract/task.js';
import { simulate } from '../simulate/simulate.js';

/** The condition on the score of a task. */
function scores(path: string, value: number): Repeat['until'] {
  return { path, operator: '>=', value };
}

/** A group that is written and judged again, until the judge gives 0.9. */
function improving(repeat: Partial<Repeat> = {}): Task {
  return {
    id: 'improve',
    repeat: { until: scores('judge.score', 0.9), ...repeat },
    subtasks: [
      { id: 'write', description: 'Write. {{previous.judge.advice}}' },
      { id: 'judge', description: 'Judge {{write}}', dependencies: ['write'] },
    ],
  };
}

const judged = (score: number) => ({ score, advice: `better than ${score}` });

describe('a loop on a task', () => {
  const counter = (repeat: Partial<Repeat> = {}): Task => ({
    id: 'draft',
    repeat: { until: scores('draft', 3), ...repeat },
    run: ({ previous = 0 }: { previous?: number }) => previous + 1,
  });

  test('runs again until its condition holds, and its output is that of the last iteration', async () => {
    const result = await execute(planOf(counter()));
    expect(result.status).toBe('completed');
    expect(result.outputs).toEqual({ draft: 3, 'draft#1': 1, 'draft#2': 2, 'draft#3': 3 });
    expect(result.tasks.find(({ id }) => id === 'draft')).toMatchObject({
      status: 'completed',
      loop: { ending: 'reached', iterations: 3 },
    });
    expect(result.tasks.map(({ id, parentId }) => [id, parentId])).toEqual([
      ['draft', undefined],
      ['draft#1', 'draft'],
      ['draft#2', 'draft'],
      ['draft#3', 'draft'],
    ]);
  });

  test('gives up after maxIterations, and completes with the last output by default', async () => {
    const result = await execute(planOf(counter({ maxIterations: 2 })));
    expect(result.status).toBe('completed');
    expect(result.outputs.draft).toBe(2);
    expect(result.tasks[0]?.loop).toEqual({ ending: 'exhausted', iterations: 2 });
    const five = await execute(planOf(counter({ until: scores('draft', 100) })));
    expect(five.tasks[0]?.loop).toEqual({ ending: 'exhausted', iterations: 5 });
  });

  test('fails after maxIterations if it is to', async () => {
    const result = await execute(
      planOf(counter({ maxIterations: 2, onExhausted: 'fail' }), {
        id: 'publish',
        dependencies: ['draft'],
        run: () => 'published',
      }),
    );
    expect(result.status).toBe('failed');
    const [draft, publish] = result.tasks;
    expect(draft).toMatchObject({
      status: 'failed',
      error: { code: 'loop_exhausted' },
      loop: { ending: 'exhausted', iterations: 2 },
    });
    expect(draft?.error?.message).toContain('raise maxIterations');
    expect(publish).toMatchObject({ status: 'skipped', failedTaskId: 'draft' });
  });

  test('fails with its iteration, which counts as one failure of the plan', async () => {
    const result = await execute(
      planOf({
        id: 'draft',
        repeat: { until: scores('draft', 3) },
        retry: { maxAttempts: 1 },
        run: ({ iteration }: { iteration: number }) => {
          if (iteration === 2) throw new Error('no ink');
          return iteration;
        },
      }),
    );
    expect(result.status).toBe('failed');
    const [draft] = result.tasks;
    expect(draft).toMatchObject({
      status: 'failed',
      error: { code: 'subtasks_failed' },
      loop: { ending: 'failed', iterations: 2 },
    });
    expect(draft?.error?.message).toContain('iteration 2 did not complete');
    expect(draft?.error?.message).toContain('no ink');
    expect(result.error?.message).toContain('draft#2');
    expect(result.error?.message).not.toMatch(/2 tasks failed/);
  });

  test.each([
    [
      'a path that is not there',
      scores('draft.score', 1),
      /there is no value at "draft.score", which its until compares/,
    ],
    [
      'a function that throws',
      () => {
        throw new Error('odd');
      },
      /odd/,
    ],
    [
      'an asynchronous function',
      (async () => true) as never,
      /its until function must be synchronous/,
    ],
  ] as const)('fails for %s in its condition', async (_, until, message) => {
    const result = await execute(planOf(counter({ until })));
    expect(result.status).toBe('failed');
    expect(result.tasks[0]?.error?.message).toMatch(message);
    expect(result.tasks[0]?.loop).toEqual({ ending: 'failed', iterations: 1 });
    expect(result.tasks[1]?.status).toBe('completed');
  });

  test('has the inputs of the task, the number of the iteration and the output before', async () => {
    const given: unknown[] = [];
    const result = await execute(
      planOf(
        { id: 'topic', run: () => 'bees' },
        {
          id: 'draft',
          dependencies: ['topic'],
          repeat: { until: (inputs: object) => given.push({ ...inputs }) === 2 },
          run: (inputs: object) => ({ ...inputs }),
        },
      ),
    );
    const first = { topic: 'bees', iteration: 1 };
    const second = { topic: 'bees', iteration: 2, previous: first };
    expect(result.outputs.draft).toEqual(second);
    expect(given).toEqual([
      { ...first, draft: first },
      { ...second, draft: second },
    ]);
  });

  test('appends the output before to a prompt without references, and inserts it elsewhere', async () => {
    const { runner, requests } = runnerOf();
    const repeat = { until: () => false, maxIterations: 2 };
    await execute(
      planOf(
        { id: 'plain', description: 'Go on', repeat },
        { id: 'filled', description: 'Try {{iteration}} after "{{previous}}"', repeat },
      ),
      { runner },
    );
    expect(requests.get('plain#1')?.prompt).toBe('Go on');
    expect(requests.get('plain#2')?.prompt).toBe('Go on\n\n<previous>\nGo on\n</previous>');
    expect(requests.get('filled#1')?.prompt).toBe('Try 1 after ""');
    expect(requests.get('filled#2')?.prompt).toBe('Try 2 after "Try 1 after """');
  });

  test('tells its dependents how it ended, and conditions can use that', async () => {
    const { runner, requests } = runnerOf();
    const result = await execute(
      planOf(
        counter({ maxIterations: 2 }),
        {
          id: 'escalate',
          description: 'After {{draft#iterations}} tries: {{draft#ending}}',
          dependencies: ['draft'],
          when: { path: 'draft#ending', operator: '==', value: 'exhausted' },
        },
        {
          id: 'publish',
          description: 'Publish',
          dependencies: ['draft'],
          when: { path: 'draft#ending', operator: '==', value: 'reached' },
        },
        { id: 'log', dependencies: ['draft'], run: (inputs) => ({ ...inputs }) },
        { id: 'show', description: 'Show', dependencies: ['draft'] },
      ),
      { runner },
    );
    expect(requests.get('escalate')?.prompt).toBe('After 2 tries: exhausted');
    expect(result.tasks.find(({ id }) => id === 'publish')?.reason).toBe('condition_false');
    expect(result.outputs.log).toEqual({
      draft: 2,
      'draft#ending': 'exhausted',
      'draft#iterations': 2,
    });
    // They are only inserted where a prompt refers to them.
    expect(requests.get('show')?.prompt).toBe('Show\n\n<output task="draft">\n2\n</output>');
  });

  test('tells the results of the plan how it ended', async () => {
    const outputs = {
      n: 'draft',
      how: 'draft#ending',
      text: '{{draft#ending}} in {{draft#iterations}}',
    };
    const result = await execute({ ...planOf(counter()), outputs });
    expect(result.planOutputs).toEqual({ n: 3, how: 'reached', text: 'reached in 3' });
    await expect(
      (async () => execute({ ...planOf(counter()), outputs: { how: 'draft#end' } }))(),
    ).rejects.toThrow('"draft#end" is neither a task nor a part of its output');
  });

  test('tells tasks that run after failures that it failed', async () => {
    const result = await execute(
      planOf(counter({ maxIterations: 1, onExhausted: 'fail' }), {
        id: 'report',
        dependencies: ['draft'],
        runAfter: 'failure',
        run: (inputs) => ({ ...inputs }),
      }),
    );
    expect(result.outputs.report).toEqual({ 'draft#ending': 'exhausted', 'draft#iterations': 1 });
  });

  test('checks its own condition once, before the first iteration', async () => {
    let checks = 0;
    const when = () => {
      checks++;
      return true;
    };
    await execute(planOf({ ...counter(), when }));
    expect(checks).toBe(1);
    const not = await execute(planOf({ ...counter(), when: () => false }));
    expect(not.tasks).toMatchObject([{ id: 'draft', reason: 'condition_false' }]);
    expect(not.tasks).toHaveLength(1);
  });

  test('retries attempts of each iteration, and asks people in each iteration', () => {
    let asked = 0;
    const { tasks } = simulate(
      planOf(
        { id: 'draft', description: 'x', repeat: { until: scores('draft', 2) } },
        {
          id: 'ask',
          description: 'Is it ready?',
          waitFor: 'answer',
          repeat: { until: scores('ask', 2) },
        },
      ),
      {
        strategy: inOrder,
        retry: { maxAttempts: 2, on: ['task_failed'] },
        attempt: (task, attempt) =>
          attempt === 1
            ? { durationMs: 1, error: new Error('once') }
            : { durationMs: 1, output: Number(task.id.at(-1)) },
        answer: () => ({ afterMs: 1, answer: ++asked }),
      },
    );
    const attempts = tasks.filter(({ id }) => id.startsWith('draft#')).map((task) => task.attempts);
    expect(attempts).toEqual([2, 2]);
    expect(tasks.find(({ id }) => id === 'ask')).toMatchObject({
      output: 2,
      loop: { ending: 'reached', iterations: 2 },
    });
  });
});

describe('a loop on a group', () => {
  test('repeats its subtasks, which see the outputs of the iteration before', async () => {
    const { runner, requests } = runnerOf({
      'improve#1.judge': judged(0.4),
      'improve#2.judge': judged(0.95),
    });
    const result = await execute(planOf(improving()), { runner });
    expect(result.status).toBe('completed');
    expect(result.outputs.improve).toEqual({
      write: 'Write. better than 0.4',
      judge: judged(0.95),
    });
    expect(requests.get('improve#1.write')?.prompt).toBe('Write. ');
    expect(requests.get('improve#2.judge')?.prompt).toBe('Judge Write. better than 0.4');
    expect(result.tasks.map(({ id }) => id)).toEqual([
      'improve',
      'improve#1',
      'improve#1.write',
      'improve#1.judge',
      'improve#2',
      'improve#2.write',
      'improve#2.judge',
    ]);
    expect(result.tasks[0]?.loop).toEqual({ ending: 'reached', iterations: 2 });
  });

  test('can be exhausted, and fail', async () => {
    const bad = { 'improve#1.judge': judged(0.1), 'improve#2.judge': judged(0.2) };
    const { runner } = runnerOf(bad);
    const result = await execute(planOf(improving({ maxIterations: 2 })), { runner });
    expect(result.tasks[0]?.loop).toEqual({ ending: 'exhausted', iterations: 2 });
    expect(result.outputs.improve).toMatchObject({ judge: judged(0.2) });
    const broken = runnerOf({ ...bad, 'improve#2.write': new Error('no ink') });
    const failed = await execute(planOf(improving({ maxIterations: 2 })), {
      runner: broken.runner,
    });
    expect(failed.tasks[0]?.loop).toEqual({ ending: 'failed', iterations: 2 });
    expect(failed.error?.message).toContain('improve#2.write');
  });

  test('runs for each item of a fan-out, and inside of other loops', async () => {
    const result = await execute(
      planOf(
        { id: 'words', run: () => ['a', 'b'] },
        {
          id: 'each',
          dependencies: ['words'],
          forEach: 'words',
          repeat: { until: ({ each }: { each: string }) => each.length >= 3 },
          run: ({ item, previous = '' }: { item: string; previous?: string }) => previous + item,
        },
        {
          id: 'outer',
          repeat: { until: () => false, maxIterations: 2 },
          subtasks: [
            {
              id: 'inner',
              repeat: { until: () => false, maxIterations: 2 },
              run: ({ previous, iteration }: { previous?: string; iteration: number }) =>
                `${previous ?? 'none'} ${iteration}`,
            },
            {
              id: 'after',
              dependencies: ['inner'],
              run: ({ previous, iteration, inner }: Record<string, unknown>) =>
                JSON.stringify([previous ?? null, iteration, inner]),
            },
          ],
        },
      ),
    );
    expect(result.status).toBe('completed');
    expect(result.outputs.each).toMatchObject([{ output: 'aaa' }, { output: 'bbb' }]);
    expect(result.outputs['each[1]#2']).toBe('bb');
    const first = { inner: 'none 1 2', after: JSON.stringify([null, 1, 'none 1 2']) };
    expect(result.outputs['outer#1']).toEqual(first);
    expect(result.outputs.outer).toEqual({
      inner: 'none 1 2',
      after: JSON.stringify([first, 2, 'none 1 2']),
    });
    expect(result.tasks.map(({ id }) => id)).toContain('outer#2.inner#2');
  });

  test('contains fan-outs, whose items see the iteration', async () => {
    const result = await execute(
      planOf({
        id: 'rounds',
        repeat: { until: ({ iteration }: { iteration: number }) => iteration === 2 },
        subtasks: [
          { id: 'list', run: () => [1, 2] },
          {
            id: 'each',
            dependencies: ['list'],
            forEach: 'list',
            run: ({ item, iteration, previous }: Record<string, unknown>) =>
              `${item} in ${iteration}${previous === undefined ? '' : ' again'}`,
          },
        ],
      }),
    );
    expect(result.outputs.rounds).toMatchObject({
      each: [{ output: '1 in 2 again' }, { output: '2 in 2 again' }],
    });
  });

  test('an aggregate runs itself at the end of each iteration', async () => {
    const { runner, requests } = runnerOf({ 'sum#1': 1, 'sum#2': 2 });
    const result = await execute(
      planOf({
        id: 'sum',
        type: 'aggregate',
        description: 'Sum up {{part}} after {{previous}}',
        repeat: { until: scores('sum', 2) },
        subtasks: [{ id: 'part', run: () => 'part' }],
      }),
      { runner },
    );
    expect(result.outputs.sum).toBe(2);
    expect(requests.get('sum#2')?.prompt).toBe('Sum up part after 1');
  });
});

describe('a loop and a module', () => {
  const attempt = createPlan('Improve a draft', {
    inputs: z.object({ draft: z.string(), round: z.number() }),
    outputs: { draft: 'rewrite', score: 'judge' },
  })
    .addTask({ id: 'rewrite', run: ({ inputs }) => `${inputs.draft}${inputs.round}` })
    .addTask({ id: 'judge', dependencies: ['rewrite'], run: ({ rewrite }) => rewrite.length });

  test('a module is repeated with other inputs, and its results are what the condition sees', async () => {
    const result = await execute(
      createPlan('Improve')
        .addTask({ id: 'write', run: () => 'x' })
        .addTask({
          id: 'improve',
          dependencies: ['write'],
          plan: attempt,
          repeat: { until: { path: 'improve.score', operator: '>=', value: 4 } },
          with: (inputs) => ({
            draft: (inputs.previous as { draft: string } | undefined)?.draft ?? inputs.write,
            round: inputs.iteration,
          }),
        }),
    );
    expect(result.error).toBeUndefined();
    expect(result.outputs.improve).toEqual({ draft: 'x123', score: 4 });
    expect(result.tasks.map(({ id }) => id)).toContain('improve#3/judge');
  });

  test('a module may contain loops, with the names and the inputs of its own plan', async () => {
    const inner = createPlan('Inner', {
      inputs: z.object({ limit: z.number() }),
      outputs: ['grow'],
    })
      .addTask({ id: 'start', run: () => 1 })
      .addTask({
        id: 'grow',
        dependencies: ['start'],
        repeat: { until: ({ grow, inputs }) => (grow as number) >= inputs.limit },
        run: ({ start, previous }) => ((previous as number | undefined) ?? start) * 2,
      });
    const plan = createPlan('Outer').addTask({ id: 'm', plan: inner, with: { limit: 8 } });
    const result = await execute(plan);
    expect(result.error).toBeUndefined();
    expect(result.outputs.m).toEqual({ grow: 8 });
    expect(result.tasks.map(({ id }) => id)).toContain('m/grow#3');
  });
});

describe('control of a running loop', () => {
  const steps = (atMs: number, act: 'skipTask' | 'cancelTask', id: string) =>
    simulate(
      planOf({
        id: 'draft',
        description: 'x',
        repeat: { until: scores('draft', 3), maxIterations: 3 },
      }),
      {
        strategy: inOrder,
        attempt: (task) => ({ durationMs: 10, output: Number(task.id.at(-1)) }),
        actions: [{ atMs, act: (run) => run[act](id) }],
      },
    );

  test('a skipped iteration is passed over: the next one follows', () => {
    const result = steps(15, 'skipTask', 'draft#2');
    expect(result.tasks).toMatchObject([
      { status: 'completed', output: 3, loop: { ending: 'reached', iterations: 3 } },
      { status: 'completed' },
      { status: 'skipped', reason: 'requested' },
      { status: 'completed' },
    ]);
    const last = steps(25, 'skipTask', 'draft#3');
    expect(last.tasks[0]).toMatchObject({
      output: 2,
      loop: { ending: 'exhausted', iterations: 2 },
    });
  });

  test('a loop without an iteration left is skipped', () => {
    const plan = planOf({
      id: 'draft',
      description: 'x',
      repeat: { until: scores('draft', 1), maxIterations: 1 },
    });
    const result = simulate(plan, {
      strategy: inOrder,
      actions: [{ atMs: 5, act: (run) => run.skipTask('draft#1') }],
    });
    expect(result.status).toBe('completed');
    expect(result.tasks[0]).toMatchObject({ status: 'skipped', reason: 'requested' });
  });

  test('a canceled iteration fails the loop, and a skipped or canceled loop ends its iteration', () => {
    expect(steps(15, 'cancelTask', 'draft#2')).toMatchObject({
      status: 'failed',
      tasks: [{ status: 'failed', loop: { ending: 'failed' } }, {}, { status: 'canceled' }],
    });
    expect(steps(15, 'skipTask', 'draft')).toMatchObject({
      status: 'completed',
      tasks: [{ status: 'skipped' }, { status: 'completed' }, { status: 'skipped' }],
    });
    expect(steps(15, 'cancelTask', 'draft')).toMatchObject({
      status: 'failed',
      tasks: [{ status: 'canceled' }, { status: 'completed' }, { status: 'skipped' }],
    });
  });
});

test('the levels, times and critical path of a loop are those of a chain', () => {
  const { metrics, tasks } = simulate(planOf(improving({ maxIterations: 3 })), {
    strategy: inOrder,
    attempt: ({ id }) => ({ durationMs: 10, output: id.endsWith('judge') ? judged(0) : 'text' }),
  });
  expect(metrics.executionTimeMs).toBe(60);
  expect(metrics.criticalPathMs).toBe(60);
  expect(tasks[0]).toMatchObject({ durationMs: 60 });
});

test('a loop whose iteration needs an id that is taken fails', () => {
  const loop: Task = { id: 'draft', description: 'x', repeat: { until: () => true } };
  const result = simulate(planOf({ id: 'draft#1', description: 'x' }), {
    strategy: inOrder,
    actions: [{ atMs: 1, act: (run) => run.addTasks([loop]) }],
  });
  expect(result.tasks.find(({ id }) => id === 'draft')?.error).toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining('its repeat needs the id "draft#1", which is taken'),
  });
});

test('no task that is added may have an id of an iteration to come', () => {
  const add = () =>
    simulate(planOf({ id: 'draft', description: 'x', repeat: { until: () => false } }), {
      strategy: inOrder,
      actions: [{ atMs: 1, act: (run) => run.addTasks([{ id: 'draft#4', description: 'x' }]) }],
    });
  expect(add).toThrow('ids such as "draft#1" are reserved for the loop "draft"');
});
