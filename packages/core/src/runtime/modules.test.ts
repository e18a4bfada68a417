import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { execute, inOrder, runnerOf, taskOf } from '../../test/runs.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { createPlan } from '../contract/plan-builder.js';
import { formatProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { simulate } from '../simulate/simulate.js';
import { validatePlan } from '../validate/plan.js';
import { createExecutor } from './executor.js';

const review = createPlan('Review a text', {
  inputs: z.object({ draft: z.string(), tone: z.string().default('calm') }),
  outputs: { verdict: 'judge', text: '{{inputs.draft}}: {{judge}}' },
})
  .addTask({ id: 'check', description: 'Check {{inputs.draft}}, {{inputs.tone}}' })
  .addTask({ id: 'judge', dependencies: ['check'], description: 'Judge {{check}}' });

const article = () =>
  createPlan('Write', { outputs: { text: 'review.text' } })
    .addTask({ id: 'write', description: 'Write' })
    .addTask({
      id: 'review',
      dependencies: ['write'],
      plan: review,
      with: { draft: '{{write}}' },
    });

const problemsOf = (plan: Plan<unknown>) => validatePlan(plan).map(formatProblem);

const modulePlan = (task: Partial<Task>, before: readonly Task[] = []): Plan => ({
  goal: 'x',
  tasks: [...before, { id: 'm', plan: review, ...task } as Task],
});

/** The events of a recorded run, as JSON. */
async function recorded(journal: Journal): Promise<unknown> {
  const events: unknown[] = [];
  for await (const event of readRun(journal, 'r')) events.push(event);
  return JSON.parse(JSON.stringify(events));
}

afterEach(() => vi.unstubAllEnvs());

describe('a module', () => {
  test('is a group whose tasks see its inputs, and whose output are its results', async () => {
    const { runner, requests } = runnerOf();
    const result = await execute(article(), { runner });
    expect(result.status).toBe('completed');
    expect([...requests.keys()]).toEqual(['write', 'review/check', 'review/judge']);
    expect(requests.get('review/check')?.prompt).toBe('Check Write, calm');
    expect(requests.get('review/judge')?.prompt).toBe('Judge Check Write, calm');
    const outputs = { verdict: 'Judge Check Write, calm', text: 'Write: Judge Check Write, calm' };
    expect(taskOf(result, 'review').output).toEqual(outputs);
    expect(result.planOutputs).toEqual({ text: outputs.text });
  });

  test('knows nothing of the plan around it, and functions get its inputs', async () => {
    const seen: unknown[] = [];
    const inner = createPlan('Inner', { inputs: z.object({ a: z.number() }) })
      .addTask({ id: 'one', run: (inputs) => void seen.push({ ...inputs }) })
      .addTask({
        id: 'two',
        dependencies: ['one'],
        run: (inputs) => void seen.push({ ...inputs }),
      });
    const plan = createPlan('Outer', { inputs: z.object({ b: z.number() }) })
      .addTask({ id: 'one', run: ({ inputs }) => inputs.b + 1 })
      .addTask({
        id: 'm',
        dependencies: ['one'],
        plan: inner,
        with: ({ one, inputs }) => ({ a: one + inputs.b }),
      });
    const executor = createExecutor({ strategy: inOrder });
    expect(await executor.execute(plan, { inputs: { b: 2 } })).toMatchObject({
      status: 'completed',
    });
    expect(seen).toEqual([{ inputs: { a: 5 } }, { one: undefined, inputs: { a: 5 } }]);
  });

  test('has the outputs of its final tasks where its plan names none', async () => {
    const inner = createPlan('Inner')
      .addTask({ id: 'a', run: () => 1 })
      .addTask({ id: 'b', dependencies: ['a'], run: () => 2 })
      .addTask({ id: 'c', run: () => 3 });
    const plan = createPlan('Outer').addTask({ id: 'm', plan: inner });
    expect(taskOf(await execute(plan), 'm').output).toEqual({ b: 2, c: 3 });
    const listed = createPlan('Outer').addTask({ id: 'm', plan: { ...inner, outputs: ['a'] } });
    expect(taskOf(await execute(listed), 'm').output).toEqual({ a: 1 });
  });

  test('runs once for each item, with the item in its inputs', async () => {
    const { runner, requests } = runnerOf();
    const plan = createPlan('Each')
      .addTask({ id: 'list', run: () => [{ x: 'a' }, { x: 'b' }] })
      .addTask({
        id: 'each',
        dependencies: ['list'],
        forEach: 'list',
        plan: review,
        with: { draft: '{{index}} {{item.x}}' },
      });
    const result = await execute(plan, { runner });
    expect(requests.get('each[1]/check')?.prompt).toBe('Check 1 b, calm');
    expect(taskOf(result, 'each').output).toMatchObject([
      { id: 'each[0]', status: 'completed', output: { text: '0 a: Judge Check 0 a, calm' } },
      { id: 'each[1]', status: 'completed', output: { text: '1 b: Judge Check 1 b, calm' } },
    ]);
  });

  test('nests, and holds fan-outs, groups, conditions and modules', async () => {
    const inner = createPlan('Inner', {
      inputs: z.object({ items: z.array(z.string()), loud: z.boolean() }),
      outputs: { all: 'each', last: 'group_end.output', not: 'never' },
    })
      .addTask({ id: 'head', run: () => 'head' })
      .addTask({
        id: 'each',
        dependencies: ['head'],
        forEach: 'inputs.items',
        subtasks: [
          { id: 'say', dependencies: ['head'], description: '{{head}} {{item}} {{inputs.loud}}' },
          { id: 'deep', dependencies: ['say'], plan: review, with: { draft: '{{say}}!' } },
        ],
      })
      .addTask({
        id: 'never',
        when: { path: 'inputs.loud', operator: '==', value: false },
        description: 'Never',
      })
      .addTask({ id: 'group', subtasks: [{ id: 'group_end', run: () => ({ output: 7 }) }] });
    const plan = createPlan('Outer', { inputs: z.object({ names: z.array(z.string()) }) }).addTask({
      id: 'outer',
      plan: inner,
      with: { items: '{{inputs.names}}', loud: true },
    });
    const { runner, requests } = runnerOf();
    const journal = memoryJournal();
    const executor = createExecutor({ strategy: inOrder, runner, journal });
    const run = executor.execute(plan, { runId: 'r', inputs: { names: ['x', 'y'] } });
    const result = await run;
    expect(result.error?.message).toBeUndefined();
    expect(requests.get('outer/each[1].say')?.prompt).toBe('head y true');
    expect(requests.get('outer/each[1].deep/check')?.prompt).toBe('Check head y true!, calm');
    expect(taskOf(result, 'outer').output).toMatchObject({
      all: [
        { id: 'outer/each[0]' },
        { output: { say: 'head y true', deep: { verdict: expect.any(String) } } },
      ],
      last: 7,
    });
    expect(Object.keys(taskOf(result, 'outer').output as object)).toEqual(['all', 'last']);
    expect(await recorded(journal)).toEqual(JSON.parse(JSON.stringify(result.timeline)));
  });

  test('uses the retries and timeouts of its plan for tasks without their own', async () => {
    let tries = 0;
    const inner = {
      goal: 'Inner',
      retry: { maxAttempts: 3, initialDelayMs: 0, on: ['server_error' as const] },
      tasks: [
        {
          id: 'a',
          description: 'a',
        },
      ],
    };
    const plan: Plan = { goal: 'x', tasks: [{ id: 'm', subtasks: [{ id: 'n', plan: inner }] }] };
    const { RunnerError } = await import('../contract/errors.js');
    const result = simulate(plan, {
      strategy: inOrder,
      attempt: () =>
        ++tries < 3
          ? { durationMs: 1, error: new RunnerError('server_error', 'no') }
          : { durationMs: 1, output: 'done' },
    });
    expect(result.status).toBe('completed');
    expect(tries).toBe(3);
  });

  test('fails when a value does not fit, and names it', async () => {
    const plan = createPlan('Wrong')
      .addTask({ id: 'write', run: (): unknown => ({ text: 1 }) })
      .addTask({
        id: 'review',
        dependencies: ['write'],
        plan: review,
        with: { draft: '{{write}}' },
      });
    const result = await execute(plan);
    expect(result.error?.message).toMatch(
      /its "with" does not fit the inputs of its plan: draft: /,
    );
    expect(taskOf(result, 'review/check').status).toBe('skipped');
  });

  test('fails when a value refers to something that is not there', async () => {
    const plan = createPlan('Wrong')
      .addTask({ id: 'write', run: (): unknown => ({ text: 'a' }) })
      .addTask({
        id: 'review',
        dependencies: ['write'],
        plan: review,
        with: { draft: '{{write.txt}}' },
      });
    const { error } = await execute(plan);
    expect(error?.message).toContain(
      'there is no value at {{write.txt}}; write has the fields text',
    );
  });

  test('uses the default of an input whose task was not chosen', async () => {
    const { runner, requests } = runnerOf();
    const plan = createPlan('Maybe')
      .addTask({ id: 'tone', when: { any: [] }, run: () => 'loud' })
      .addTask({ id: 'write', run: () => 'a' })
      .addTask({
        id: 'review',
        dependencies: ['write', 'tone'],
        plan: review,
        with: { draft: 'Draft \\{{ {{write}}{{tone}}', tone: '{{tone}}' },
      });
    await execute(plan, { runner });
    expect(requests.get('review/check')?.prompt).toBe('Check Draft {{ a, calm');
  });

  test('keeps secrets that it gets out of prompts, outputs and records', async () => {
    vi.stubEnv('TOKEN', 'topsecret');
    const seen: unknown[] = [];
    const secret = z.string().meta({ secret: true });
    const inner = createPlan('Inner', {
      inputs: z.object({ token: secret, note: z.string() }),
    }).addTask({
      id: 'call',
      run: ({ inputs }) => {
        seen.push(inputs);
        return `sent ${inputs.token}`;
      },
    });
    const plan = createPlan('Outer', {
      inputs: z.object({ token: secret.meta({ secret: true, env: 'TOKEN' }) }),
    })
      .addTask({ id: 'm', plan: inner, with: { token: '{{inputs.token}}', note: 'n' } })
      .addTask({
        id: 'f',
        plan: inner,
        with: ({ inputs }) => ({ token: inputs.token, note: `leaks ${inputs.token}` }),
      });
    const journal = memoryJournal();
    const executor = createExecutor({ strategy: inOrder, journal });
    const result = await executor.execute(plan, { runId: 'r' } as never);
    expect(seen).toEqual([
      { token: 'topsecret', note: 'n' },
      { token: 'topsecret', note: 'leaks [secret]' },
    ]);
    expect(taskOf(result, 'm').output).toEqual({ call: 'sent [secret]' });
    expect(JSON.stringify(await recorded(journal))).not.toContain('topsecret');
    expect(
      problemsOf({
        ...plan,
        tasks: [{ id: 'm', plan: inner, with: { token: 'x', note: '{{inputs.token}}' } }],
      }),
    ).toEqual([
      'tasks[0].with.token: is a secret of the module, so its value must be a secret input alone, like "{{inputs.token}}"',
      'tasks[0].with.note: {{inputs.token}} would be sent or recorded, and secret inputs are for functions and tools alone',
    ]);
  });

  test('keeps outputs that its results need, when others are dropped', async () => {
    const inner = createPlan('Inner', { outputs: { deep: 'b', first: 'a' } })
      .addTask({ id: 'a', run: () => 1 })
      .addTask({ id: 'group', subtasks: [{ id: 'b', run: () => 2 }] })
      .addTask({ id: 'c', dependencies: ['a', 'group'], run: () => 3 })
      .addTask({ id: 'd', dependencies: ['c'], run: () => 4 });
    const plan = createPlan('Outer').addTask({ id: 'm', plan: inner });
    const result = await execute(plan, { outputs: 'final' });
    expect(taskOf(result, 'm').output).toEqual({ deep: 2, first: 1 });
  });

  test('is repeated until a condition about its results holds', async () => {
    const inner = createPlan('Improve', {
      inputs: z.object({ text: z.string(), round: z.number() }),
      outputs: { text: 'write', score: 'judge.score' },
    })
      .addTask({ id: 'write', run: ({ inputs }) => `${inputs.text}+` })
      .addTask({
        id: 'judge',
        dependencies: ['write'],
        run: ({ inputs }) => ({ score: inputs.round }),
      });
    const plan: Plan = {
      goal: 'Loop',
      tasks: [
        { id: 'start', run: () => 'a' },
        {
          id: 'improve',
          dependencies: ['start'],
          plan: inner,
          with: ({ start, previous, iteration }: Record<string, never>) => ({
            text: (previous as { readonly text: string } | undefined)?.text ?? start,
            round: iteration,
          }),
          repeat: { until: { path: 'improve.score', operator: '>=', value: 3 } },
        },
      ],
    };
    const journal = memoryJournal();
    const result = await createExecutor({ strategy: inOrder, journal }).execute(plan, {
      runId: 'r',
    });
    expect(result.error?.message).toBeUndefined();
    expect(taskOf(result, 'improve').output).toEqual({ text: 'a+++', score: 3 });
    expect(taskOf(result, 'improve#2/write').output).toBe('a++');
    expect(await recorded(journal)).toEqual(JSON.parse(JSON.stringify(result.timeline)));
  });

  test('is simulated without values', () => {
    const { status, metrics } = simulate(article(), { strategy: inOrder });
    expect(status).toBe('completed');
    expect(metrics.completedTasks).toBe(4);
  });

  test('is added to a running plan', async () => {
    const plan = createPlan('Grow').addTask({
      id: 'a',
      run: (_, { addTasks }) => {
        addTasks([{ id: 'more', plan: review, with: { draft: 'd' } }]);
      },
    });
    const journal = memoryJournal();
    const { runner } = runnerOf();
    const executor = createExecutor({ strategy: inOrder, runner, journal });
    const result = await executor.execute(plan, { runId: 'r' });
    expect(taskOf(result, 'more').output).toMatchObject({ text: 'd: Judge Check d, calm' });
    expect(await recorded(journal)).toEqual(JSON.parse(JSON.stringify(result.timeline)));
  });
});

describe('the validation of modules', () => {
  test('accepts a module, whose results have the schema of their tasks', () => {
    const scored: Plan = {
      goal: 'scored',
      outputs: { score: 'a.score', all: 'Text {{a.score}}' },
      tasks: [{ id: 'a', description: 'a', outputSchema: z.object({ score: z.number() }) }],
    };
    const after = (description: string): Plan => ({
      goal: 'x',
      tasks: [
        { id: 'm', plan: scored },
        { id: 'after', dependencies: ['m'], description },
      ],
    });
    expect(problemsOf(after('{{m.score}} {{m.all}}'))).toEqual([]);
    expect(problemsOf(after('{{m.scor}}'))).toEqual([
      'tasks[1].description: {{m.scor}} is not in the output of "m": its schema has no "scor" there. Did you mean "score"?',
    ]);
    expect(problemsOf(after('{{m.score.x}}'))).toHaveLength(1);
    expect(
      problemsOf({
        goal: 'x',
        tasks: [
          { id: 'm', plan: scored },
          { id: 'n', dependencies: ['m'], plan: review, with: { draft: '{{m.score}}' } },
        ],
      }),
    ).toEqual(['tasks[1].with.draft: {{m.score}} is a number, and the input is text']);
  });

  test.each<[string, Partial<Task>, string[]]>([
    ['a missing value', {}, ['tasks[0].with.draft: is missing']],
    [
      'an unknown and a wrong value',
      { with: { draft: 3, ton: 'x' } },
      [
        'tasks[0].with.draft: does not fit the input of the module: Invalid input: expected string, received number',
        'tasks[0].with.ton: the plan of the module has no input "ton". Did you mean "tone"?',
      ],
    ],
    [
      'a reference to no dependency',
      { with: { draft: '{{write}}' } },
      [
        'tasks[0].with.draft: {{write}} is not an input of this task. It has no dependencies. Write \\{{ for literal braces.',
      ],
    ],
    [
      'a list for a text',
      { with: { draft: ['{{index}}'] }, forEach: () => [1] },
      ['tasks[0].with.draft: the value is a list, and the input is text'],
    ],
    [
      'values that are no record',
      { with: 'draft' as never },
      ['tasks[0].with: must give the inputs of the plan by name, like { draft: "{{write}}" }'],
    ],
    [
      'fields of work',
      { with: { draft: 'd' }, run: () => 1, tools: ['a'], type: 'aggregate', description: 'd' },
      [
        'tasks[0].tools: has no effect on a task with a run function',
        'tasks[0].tools: has no effect on a module; set it in the plan of the module, or on its tasks',
        'tasks[0].run: has no effect beside plan: the tasks of that plan do the work',
        'tasks[0].type: has no effect on a module, whose description is no prompt; let a task of its plan combine its outputs',
      ],
    ],
    [
      'something else than a plan',
      { plan: './review.yaml' as never },
      ['tasks[0].plan: must be a plan, with a goal and tasks: createPlan() makes one'],
    ],
    [
      'settings of a run',
      { with: { draft: 'd' }, plan: { ...review, deadlineMs: 1 } as never },
      [
        'tasks[0].plan.deadlineMs: has no effect in a module, as it limits a whole run; set it in the plan that uses the module',
      ],
    ],
    [
      'problems of its plan, where they are',
      { plan: { goal: 'i', tasks: [{ id: 'a', dependencies: ['b'], description: 'a' }] } },
      ['tasks[0].plan.tasks[0].dependencies[0]: there is no task "b". Did you mean "a"?'],
    ],
  ])('reports %s', (_, task, problems) => {
    expect(problemsOf(modulePlan(task))).toEqual(problems);
  });

  test('reports with without a plan', () => {
    const tasks = [{ id: 'a', description: 'a', with: {} }];
    expect(problemsOf({ goal: 'x', tasks })).toEqual([
      'tasks[0].with: has no effect on a task without a plan; it gives the inputs of that plan',
    ]);
  });

  test('reports values of the environment, which only a run has', () => {
    const inner = createPlan('Inner', {
      inputs: z.object({ token: z.string().meta({ env: 'TOKEN' }) }),
    }).addTask({ id: 'a', run: () => 1 });
    expect(problemsOf({ goal: 'x', tasks: [{ id: 'm', plan: inner }] })).toEqual([
      'tasks[0].with.token: is missing; only the inputs of a whole run come from the environment, so pass one of them, like "{{inputs.token}}"',
    ]);
  });

  test('reports plans that contain each other, once for each', () => {
    const a = { goal: 'A', tasks: [] as Task[] };
    const b = { goal: 'B', tasks: [{ id: 'a', plan: a }] };
    a.tasks.push({ id: 'b', plan: b });
    expect(problemsOf(a)).toEqual([
      'tasks[0].plan.tasks[0].plan: plans contain each other: "A" → "B" → "A" (each contains the next)',
    ]);
  });

  test('reports plans that are nested too deeply, and too many tasks', () => {
    let plan: Plan = { goal: 'end', tasks: [{ id: 'a', description: 'a' }] };
    for (let level = 0; level < 7; level++) plan = { goal: 'x', tasks: [{ id: 'm', plan }] };
    expect(problemsOf(plan)).toEqual([]);
    expect(problemsOf({ goal: 'x', tasks: [{ id: 'm', plan }] })).toEqual([
      'tasks[0].plan: nests tasks deeper than maxDepth, which is 8, with the levels of its plan',
    ]);
    let wide: Plan = { goal: 'end', tasks: [{ id: 'a', description: 'a' }] };
    for (let level = 0; level < 7; level++) {
      const inner = wide;
      wide = {
        goal: 'x',
        tasks: Array.from({ length: 10 }, (_, n) => ({ id: `m${n}`, plan: inner })),
      };
    }
    expect(problemsOf(wide)).toEqual([
      'tasks: there are more than 1,000,000 tasks with those of the modules',
    ]);
  });

  test('reports ids that are those of tasks in modules', () => {
    const plan = modulePlan({ with: { draft: 'd' } }, [{ id: 'm/check', description: 'a' }]);
    expect(problemsOf(plan)).toEqual([
      'tasks[0].id: the id "m/check" is that of a task in a module; rename the task or the module',
    ]);
  });

  test('does not let other plans name the tasks of a module', () => {
    const plan: Plan = {
      goal: 'x',
      outputs: { a: 'm/check' },
      tasks: [
        { id: 'm', plan: review, with: { draft: 'd' } },
        { id: 'b', dependencies: ['m/check'], description: 'b' },
      ],
    };
    expect(problemsOf(plan)).toEqual([
      'tasks[1].dependencies[0]: there is no task "m/check".',
      'outputs.a: "m/check" is neither a task nor a part of its output.',
    ]);
  });
});

describe('a recorded run with modules', () => {
  const journaled = () => {
    const journal = memoryJournal();
    const { runner, requests } = runnerOf();
    return { journal, requests, executor: createExecutor({ strategy: inOrder, runner, journal }) };
  };

  test('is resumed with its plan, and reruns only changed tasks of a module', async () => {
    const { executor, requests } = journaled();
    await executor.execute(article(), { runId: 'r' });
    requests.clear();
    const changed = createPlan('Review a text', {
      inputs: z.object({ draft: z.string(), tone: z.string().default('calm') }),
      outputs: { verdict: 'judge', text: '{{inputs.draft}}: {{judge}}' },
    })
      .addTask({ id: 'check', description: 'Check {{inputs.draft}}, {{inputs.tone}}' })
      .addTask({ id: 'judge', dependencies: ['check'], description: 'Judge again {{check}}' });
    const plan = {
      ...article(),
      tasks: [article().tasks[0] as Task, { ...article().tasks[1], plan: changed } as Task],
    };
    await expect(executor.resume('r', { plan })).rejects.toThrow('review/judge');
    const result = await executor.resume('r', { plan, acceptChanges: true });
    expect([...requests.keys()]).toEqual(['review/judge']);
    expect(taskOf(result, 'review').output).toMatchObject({
      verdict: 'Judge again Check Write, calm',
    });
  });

  test('only makes the output again when the results of a module change', async () => {
    const { executor, requests } = journaled();
    await executor.execute(article(), { runId: 'r' });
    requests.clear();
    const [write, module] = article().tasks as [Task, Task];
    const plan = {
      ...article(),
      outputs: undefined,
      tasks: [write, { ...module, plan: { ...review, outputs: { check: 'check' } } }],
    };
    const result = await executor.resume('r', { plan, acceptChanges: true });
    expect(requests.size).toBe(0);
    expect(taskOf(result, 'review').output).toEqual({ check: 'Check Write, calm' });
  });

  test('reuses outputs, and explains why tasks run', async () => {
    const { executor, requests } = journaled();
    await executor.execute(article(), { runId: 'r' });
    requests.clear();
    await executor.execute(article(), { runId: 's', reuse: true });
    expect(requests.size).toBe(0);
    const [write, module] = article().tasks as [Task, Task];
    const changed = { ...article(), tasks: [{ ...write, description: 'Write more' }, module] };
    const forecasts = await executor.explain(changed, { since: 'r' });
    expect(forecasts.map(({ taskId, message }) => `${taskId}: ${message}`)).toEqual([
      'write: changed: description',
      'review: input of write, review/check, review/judge changed',
      'review/check: input of inputs.draft, inputs.tone changed',
      'review/judge: input of review/check changed',
    ]);
  });

  test('needs its plan again for the schemas of modules', async () => {
    const journal = memoryJournal();
    let isDown = true;
    const runner = {
      name: 'test',
      async run() {
        if (isDown) throw new Error('down');
        return { output: 'x' };
      },
    };
    const executor = createExecutor({ strategy: inOrder, runner, journal });
    await executor.execute(article(), { runId: 'r' });
    isDown = false;
    await expect(executor.resume('r', { retryFailed: true })).rejects.toThrow('"review" (plan)');
    const result = await executor.resume('r', { plan: article(), retryFailed: true });
    expect(result.status).toBe('completed');
  });
});
