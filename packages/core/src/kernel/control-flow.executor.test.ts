import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { PlanError } from '../contract/plan-error.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import {
  createPlan,
  type Plan,
  type RunEvent,
  RunnerError,
  type StandardSchema,
  type Task,
  type TaskRequest,
  type TaskRunner,
} from '../index.js';
import { createExecutor } from '../runtime/executor.js';
import type { ExecutorOptions } from '../runtime/executor-options.js';

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

/** Answers with what is given for a task, or its prompt; remembers what it was asked. */
function runnerOf(answers: Record<string, unknown> = {}) {
  const requests = new Map<string, TaskRequest>();
  const runner: TaskRunner = {
    name: 'test',
    async run(request) {
      requests.set(request.taskId, request);
      const answer = answers[request.taskId];
      if (answer instanceof Error) throw answer;
      return { output: answer ?? request.prompt };
    },
  };
  return { runner, requests };
}

function execute(plan: Plan<unknown>, options: Partial<ExecutorOptions> = {}) {
  const { strategy = inOrder, runner = runnerOf().runner, ...run } = options;
  return createExecutor({ strategy, runner }).execute(plan as Plan, run);
}

function statuses(tasks: readonly { id: string; status: string }[]): Record<string, string> {
  return Object.fromEntries(tasks.map(({ id, status }) => [id, status]));
}

function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof PlanError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
}

describe('a pattern that takes too long on a text', () => {
  const text = { id: 'text', run: () => 'x'.repeat(40_000) };
  const value = '[\\w\\W]{1,4900}z';

  test('fails the task whose condition it is', async () => {
    const when = { path: 'text', operator: 'matches', value } as const;
    const plan = {
      goal: 'x',
      tasks: [text, { id: 'b', dependencies: ['text'], when, run: () => 1 }],
    };
    const { tasks } = await execute(plan);
    const error = tasks[1]?.error;
    expect(error).toMatchObject({ code: 'invalid_input' });
    expect(error?.message).toContain('matches: the pattern takes too many steps');
  });

  test('does not meet a criterion', async () => {
    const goalState = { criteria: [{ path: 'outputs.text', operator: 'matches', value } as const] };
    const { error } = await execute({ goal: 'x', tasks: [text], goalState });
    expect(error).toMatchObject({ code: 'goal_not_achieved' });
  });
});

describe('an output schema', () => {
  const companies = z.object({ companies: z.array(z.object({ name: z.string() })) });

  test('passes on matching outputs as it transforms them', async () => {
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => '12', outputSchema: z.string().transform(Number) })
      .addTask({ id: 'b', dependencies: ['a'], run: ({ a }) => a + 1 });
    expect((await execute(plan)).outputs).toEqual({ a: 12, b: 13 });
  });

  test.each([
    ['an object', { companies: [{ name: 'Ada' }] }],
    ['JSON', '{"companies": [{"name": "Ada"}]}'],
    ['a fenced block', '```json\n{"companies": [{"name": "Ada"}]}\n```\n'],
  ])('takes %s of a runner', async (_, a) => {
    const plan = createPlan('x').addTask({ id: 'a', description: 'Find', outputSchema: companies });
    const { runner, requests } = runnerOf({ a });
    const { outputs } = await execute(plan, { runner });
    expect(outputs).toEqual({ a: { companies: [{ name: 'Ada' }] } });
    expect(requests.get('a')?.outputSchema).toMatchObject({ required: ['companies'] });
    expect(requests.get('a')?.prompt).toContain('Answer with JSON alone');
  });

  test('fails the attempt with its message, and counts its usage', async () => {
    const usage = { inputTokens: 3, outputTokens: 4 };
    const runner: TaskRunner = {
      name: 'test',
      run: async () => ({ output: '{"companies": [{"name": 1}]}', usage, costUsd: 0.5 }),
    };
    const plan = createPlan('x').addTask({ id: 'a', description: 'Find', outputSchema: companies });
    const { tasks, metrics } = await execute(plan, { runner });
    expect(tasks[0]?.error).toMatchObject({
      code: 'invalid_output',
      message: expect.stringMatching(/companies\[0\]\.name: .*expected string/),
    });
    expect(tasks[0]?.attempts).toBe(1);
    expect(metrics).toMatchObject({ usage, costUsd: 0.5 });
  });

  test('leads to a retry only if the policy includes it', async () => {
    let asked = 0;
    const plan = createPlan('x').addTask({
      id: 'a',
      run: () => (++asked < 3 ? 'no number' : 7),
      outputSchema: z.number(),
      retry: { on: ['invalid_output'], initialDelayMs: 0 },
    });
    const { outputs, tasks } = await execute(plan);
    expect(outputs).toEqual({ a: 7 });
    expect(tasks[0]?.attempts).toBe(3);
  });

  test('may be of any library, and asynchronous', async () => {
    const even: StandardSchema<unknown, number> = {
      '~standard': {
        version: 1,
        vendor: 'mine',
        async validate(value) {
          const isEven = typeof value === 'number' && value % 2 === 0;
          return isEven ? { value } : { issues: [{ message: 'must be even' }] };
        },
      },
    };
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => 4, outputSchema: even })
      .addTask({ id: 'b', run: () => 5, outputSchema: even });
    const { tasks } = await execute(plan);
    expect(statuses(tasks)).toEqual({ a: 'completed', b: 'failed' });
    expect(tasks[1]?.error?.message).toContain('must be even');
  });
});

test('a result can be serialized to JSON whatever its schemas contain', async () => {
  const tree = z.object({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  });
  const plan: Plan = {
    goal: 'x',
    tasks: [
      { id: 'list', run: () => [1] },
      {
        id: 'each',
        dependencies: ['list'],
        forEach: 'list',
        run: () => ({ name: 'a', children: [] }),
        outputSchema: tree,
      },
    ],
  };
  const result = await execute(plan);
  expect(result.status).toBe('completed');
  const { timeline } = JSON.parse(JSON.stringify(result));
  expect(timeline[0].plan.tasks[1].outputSchema).toMatchObject({ type: 'object' });
  expect(timeline.find(({ type }: RunEvent) => type === 'tasks_added').tasks[0]).toMatchObject({
    id: 'each[0]',
    outputSchema: { type: 'object' },
  });
});

describe('a prompt', () => {
  const research = { companies: [{ name: 'Ada' }, { name: 'Bob' }], 'odd key': 1 };
  const promptOf = async (description: string, dependencies = ['research']) => {
    const { runner, requests } = runnerOf({ research, notes: 'Some notes' });
    const tasks = [
      { id: 'research', description: 'x' },
      { id: 'notes', description: 'x' },
      { id: 'a', description, dependencies },
    ];
    const { error } = await execute({ goal: 'x', tasks }, { runner });
    return requests.get('a')?.prompt ?? error?.message;
  };

  test.each([
    ['{{ research.companies[0].name }} beats {{research.companies[1].name}}', 'Ada beats Bob'],
    ['{{research["odd key"]}} of {{research.companies.length}}', '1 of 2'],
    ['{{research.companies[1]}}', '{\n  "name": "Bob"\n}'],
    ['\\{{not a reference}} {{research.companies[0].name}}', '{{not a reference}} Ada'],
  ])('fills in %j', async (description, prompt) => {
    expect(await promptOf(description)).toBe(prompt);
  });

  test('without references is followed by the outputs of all dependencies', async () => {
    expect(await promptOf('Sum up', ['notes', 'research'])).toMatch(
      /^Sum up\n\n<output task="notes">\nSome notes\n<\/output>\n\n<output task="research">\n{/,
    );
  });

  test('does not expand references in inserted outputs', async () => {
    const { runner, requests } = runnerOf({ a: '{{b}} and {{a}}' });
    const tasks = [
      { id: 'a', description: 'x' },
      { id: 'b', description: '<{{a}}>', dependencies: ['a'] },
    ];
    await execute({ goal: 'x', tasks }, { runner });
    expect(requests.get('b')?.prompt).toBe('<{{b}} and {{a}}>');
  });

  test('lists the existing fields when a path does not exist', async () => {
    expect(await promptOf('{{research.companies[7].name}}')).toContain(
      'there is no value at {{research.companies[7].name}}; research has a list of 2 there',
    );
    expect(await promptOf('{{research.company}}')).toContain('has the fields companies, odd key');
    expect(await promptOf('{{research.constructor}}')).toContain('there is no value at');
  });

  test('may be made in code', async () => {
    const { runner, requests } = runnerOf({ a: 'A' });
    const plan = createPlan('x')
      .addTask({ id: 'a', description: 'x' })
      .addTask({ id: 'b', dependencies: ['a'], prompt: ({ a }) => `${a} {{literally}}` });
    await execute(plan, { runner });
    expect(requests.get('b')?.prompt).toBe('A {{literally}}');
  });

  test('may only refer to dependencies', () => {
    const tasks = [
      { id: 'research', description: 'x' },
      { id: 'a', description: 'See {{reserch.x}}', dependencies: ['research'] },
      { id: 'b', description: 'See {{research}}' },
      { id: 'c', description: 'See {{nothing}}' },
    ];
    expect(problemsOf(() => execute({ goal: 'x', tasks }))).toEqual([
      '{{reserch.x}} is not an input of this task. Did you mean "research"?',
      '{{research}} is not an input of this task. Add "research" to the dependencies of "b".',
      '{{nothing}} is not an input of this task. It has no dependencies. Write \\{{ for literal braces.',
    ]);
  });
});

describe('a fan-out', () => {
  const over = (items: unknown, more: Partial<Task> = {}): Plan => ({
    goal: 'x',
    tasks: [
      { id: 'list', run: () => items },
      { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => item * 2, ...more },
      { id: 'all', dependencies: ['each'], run: ({ each }) => each },
    ],
  });

  test('runs a task for each of a hundred items and returns their outputs in order', async () => {
    const items = Array.from({ length: 100 }, (_, n) => n);
    const { outputs, tasks, metrics } = await execute(over(items));
    expect(outputs.all).toEqual(
      items.map((n) => ({ id: `each[${n}]`, status: 'completed', output: n * 2 })),
    );
    expect(tasks).toHaveLength(103);
    expect(tasks[50]).toMatchObject({ parentId: 'each', status: 'completed', attempts: 1 });
    expect(metrics).toMatchObject({ totalTasks: 103, completedTasks: 103, attempts: 102 });
  });

  test('without items completes at once', async () => {
    const { outputs, status } = await execute(over([]));
    expect(status).toBe('completed');
    expect(outputs).toMatchObject({ each: [], all: [] });
  });

  test.each([
    ['some text', 'its forEach needs a list at list, but found the string "some text"'],
    [undefined, 'its forEach needs a list at list, but found undefined'],
    [{ length: 3 }, 'but found a value of type object'],
  ])('over %j fails, and says why', async (items, message) => {
    const { tasks } = await execute(over(items));
    expect(tasks[1]?.error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message),
    });
    expect(tasks[2]).toMatchObject({ status: 'skipped', reason: 'dependency_failed' });
  });

  test('over more than maxItems fails without running any', async () => {
    const run = vi.fn();
    const { error } = await execute(
      over([1, 2, 3], { forEach: { items: 'list', maxItems: 2 }, run }),
    );
    expect(error?.message).toContain('its forEach has 3 items, and maxItems is 2');
    expect(run).not.toHaveBeenCalled();
  });

  const odd = ({ item }: { item: number }) => {
    if (item % 2 === 1) throw new Error(`${item} is odd`);
    return item;
  };

  test.each([
    [2, 'completed'],
    [3, 'failed'],
    ['50%', 'completed'],
    ['51%', 'failed'],
    [0, 'completed'],
  ] as const)('of which half fail, with minSuccess %s, is %s', async (minSuccess, status) => {
    const plan = over([1, 2, 3, 4], { forEach: { items: 'list', minSuccess }, run: odd });
    const result = await execute(plan);
    expect(result.status).toBe(status);
    // Successful elements keep their results, even if the fan-out fails.
    expect(result.outputs).toMatchObject({ 'each[1]': 2, 'each[3]': 4 });
    if (status === 'completed') {
      expect(result.outputs.all).toMatchObject([
        { status: 'failed', error: { code: 'task_failed', taskId: 'each[0]' } },
        { status: 'completed', output: 2 },
        { status: 'failed' },
        { status: 'completed', output: 4 },
      ]);
    } else expect(result.error?.message).toContain('2 of 4 items succeeded');
  });

  test('is not stopped by failFast for an element that it tolerates', async () => {
    const plan = over([1, 2], { forEach: { items: 'list', minSuccess: 1 }, run: odd });
    expect((await execute(plan, { failFast: true })).status).toBe('completed');
  });

  test('retries each element separately', async () => {
    const plan = over([1, 2], {
      retry: { initialDelayMs: 0 },
      run: ({ item }, { attempt }) => {
        if (attempt < item) throw new RunnerError('overloaded', 'not yet');
        return item;
      },
    });
    const { tasks } = await execute(plan);
    expect(tasks.slice(3).map(({ attempts }) => attempts)).toEqual([1, 2]);
  });

  test('may have subtasks, which run for each element', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'list', run: () => ['a', 'b'] },
        {
          id: 'each',
          dependencies: ['list'],
          forEach: 'list',
          subtasks: [
            { id: 'read', run: ({ item, index }) => `${item}${index}` },
            { id: 'check', dependencies: ['read', 'list'], run: (inputs) => inputs },
          ],
        },
      ],
    };
    const { outputs, status } = await execute(plan);
    expect(status).toBe('completed');
    expect(outputs['each[1].check']).toEqual({
      read: 'b1',
      list: ['a', 'b'],
      item: 'b',
      index: 1,
    });
    expect(outputs.each).toMatchObject([{ output: { read: 'a0' } }, { output: { read: 'b1' } }]);
  });

  test('may be nested', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'list', run: () => [[1, 2], [3]] },
        {
          id: 'outer',
          dependencies: ['list'],
          forEach: 'list',
          subtasks: [{ id: 'inner', forEach: 'item', run: ({ item }) => -item }],
        },
      ],
    };
    const { outputs } = await execute(plan);
    expect(outputs).toMatchObject({
      'outer[0].inner[0]': -1,
      'outer[0].inner[1]': -2,
      'outer[1].inner[0]': -3,
    });
  });

  test('inserts the item, or appends it', async () => {
    const { runner, requests } = runnerOf({ list: [{ title: 'T' }] });
    const tasks: Task[] = [
      { id: 'list', description: 'x' },
      { id: 'a', dependencies: ['list'], forEach: 'list', description: '{{item.title}} {{index}}' },
      { id: 'b', dependencies: ['list'], forEach: 'list', description: 'Read' },
    ];
    await execute({ goal: 'x', tasks }, { runner });
    expect(requests.get('a[0]')?.prompt).toBe('T 0');
    expect(requests.get('b[0]')?.prompt).toMatch(/^Read\n\n<output .*<item>\n{\n {2}"title": "T"/s);
  });

  test('that was added fails when a task has the id of one of its elements', async () => {
    const { tasks } = await execute({
      goal: 'x',
      tasks: [
        { id: 'each[0].a', run: () => 'taken' },
        {
          id: 'list',
          run(_, { addTasks }) {
            const subtasks = [{ id: 'a', run: () => 1 }];
            addTasks([{ id: 'each', dependencies: ['list'], forEach: 'list', subtasks }]);
            return [1];
          },
        },
      ],
    });
    expect(tasks[2]?.error?.message).toContain('needs the id "each[0].a", which is taken');
  });

  test('reserves the ids of its elements', () => {
    const tasks: Task[] = [
      { id: 'list', description: 'x' },
      { id: 'a', dependencies: ['list'], forEach: 'list', description: 'x' },
      { id: 'a[0]', description: 'x' },
      { id: 'item', description: 'x' },
      { id: 'b', dependencies: ['list', 'item'], forEach: 'list', description: 'x' },
    ];
    expect(problemsOf(() => execute({ goal: 'x', tasks }))).toEqual([
      '"item" is a reserved name in a fan-out; give that task another id',
      'ids such as "a[0]" are reserved for the items of the fan-out "a"',
    ]);
  });
});

describe('context.addTasks', () => {
  test('adds tasks, which may add further tasks', async () => {
    const grow = (left: number): Task => ({
      id: `level ${left}`,
      run(_, { addTasks }) {
        if (left > 0) addTasks([grow(left - 1)]);
        return left;
      },
    });
    const result = await execute({ goal: 'x', tasks: [grow(50)] });
    expect(result.status).toBe('completed');
    expect(result.tasks).toHaveLength(51);
    const added = result.timeline.filter(({ type }) => type === 'tasks_added');
    expect(added).toHaveLength(50);
    expect(added[0]).toMatchObject({ source: 'add_tasks', taskId: 'level 50' });
  });

  test('accepts dependencies on completed, running, failed and newly added tasks', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'done', run: () => 1 },
        {
          id: 'failing',
          run: () => {
            throw new Error('no');
          },
        },
        {
          id: 'adding',
          dependencies: ['done'],
          run(_, { addTasks }) {
            addTasks([
              { id: 'c', dependencies: ['b', 'done'], run: ({ b, done }) => [b, done] },
              { id: 'b', dependencies: ['adding'], run: ({ adding }) => adding },
              { id: 'never', dependencies: ['failing', 'done'], run: () => 1 },
            ]);
            return 'added';
          },
        },
      ],
    };
    const { outputs, tasks } = await execute(plan);
    expect(outputs).toMatchObject({ b: 'added', c: ['added', 1] });
    expect(tasks.find(({ id }) => id === 'never')).toMatchObject({
      status: 'skipped',
      failedTaskId: 'failing',
    });
  });

  test('rejects invalid tasks, and the run continues without them', async () => {
    const problems: string[][] = [];
    const plan: Plan = {
      goal: 'x',
      tasks: [
        {
          id: 'a',
          run(_, { addTasks }) {
            for (const tasks of [
              [{ id: 'a', run: () => 1 }],
              [{ id: 'b', run: () => 1, dependencies: ['zebra'] }],
              [{ id: 'b' }],
              'b',
            ]) {
              problems.push(problemsOf(() => addTasks(tasks as Task[])));
            }
          },
        },
      ],
    };
    const { status, tasks } = await execute(plan);
    expect(problems).toEqual([
      ['the id "a" is already used by another task; ids must be unique'],
      ['there is no task "zebra".'],
      [expect.stringContaining('is missing; a task without a run function')],
      ['must be a list of tasks'],
    ]);
    expect(status).toBe('completed');
    expect(tasks).toHaveLength(1);
  });

  test('rejects after the end of the attempt', async () => {
    let late: (tasks: Task[]) => void = () => {};
    const run = execute({
      goal: 'x',
      tasks: [
        {
          id: 'a',
          run(_, { addTasks }) {
            late = addTasks;
          },
        },
      ],
    });
    await run;
    expect(() => late([{ id: 'b', run: () => 1 }])).toThrow(/it is over/);
    expect(() => run.addTasks([{ id: 'b', run: () => 1 }])).toThrow(/it is over/);
  });
});

describe('subtasks', () => {
  test('start after the dependencies of their parent, which completes with them', async () => {
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'before', run: () => 1 },
        {
          id: 'parent',
          dependencies: ['before'],
          subtasks: [
            { id: 'second', dependencies: ['first'], run: ({ first }) => first + 1 },
            { id: 'first', run: () => 1 },
            { id: 'deep', subtasks: [{ id: 'deeper', run: () => 'bottom' }] },
          ],
        },
        { id: 'after', dependencies: ['parent', 'second'], run: (inputs) => inputs },
      ],
    };
    const { outputs, timeline, status } = await execute(plan);
    expect(status).toBe('completed');
    expect(outputs.parent).toEqual({ second: 2, first: 1, deep: { deeper: 'bottom' } });
    expect(outputs.after).toEqual({ parent: outputs.parent, second: 2 });
    const starts = timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
    expect(starts).toEqual(['before', 'first', 'deeper', 'second', 'after']);
  });

  test('pass their outputs to a parent that runs itself', async () => {
    const { runner, requests } = runnerOf();
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'sum', subtasks: [{ id: 'a', run: () => 1 }], run: ({ a }) => a + 1 },
        {
          id: 'text',
          type: 'aggregate',
          description: 'Join {{b}}',
          subtasks: [{ id: 'b', run: () => 'B' }],
        },
        { id: 'label', description: 'Only a label', subtasks: [{ id: 'c', run: () => 'C' }] },
      ],
    };
    const { outputs } = await execute(plan, { runner });
    expect(outputs).toMatchObject({ sum: 2, text: 'Join B', label: { c: 'C' } });
    expect([...requests.keys()]).toEqual(['text']);
  });

  test('that fail make their parent fail, and its dependents are skipped', async () => {
    const no = () => {
      throw new Error('no');
    };
    const plan: Plan = {
      goal: 'x',
      tasks: [
        {
          id: 'p',
          subtasks: [
            { id: 'a', run: no },
            { id: 'b', run: () => 1 },
          ],
        },
        { id: 'after', dependencies: ['p'], run: () => 1 },
      ],
    };
    const { tasks, error } = await execute(plan);
    expect(statuses(tasks)).toEqual({ p: 'failed', a: 'failed', b: 'completed', after: 'skipped' });
    expect(tasks[0]?.error?.message).toContain('1 of its 2 subtasks did not complete');
    expect(error?.message).toBe('The run failed. Task "a" failed: no');
  });

  test('may not nest deeper than maxDepth or depend on their parents', () => {
    const nest = (depth: number): Task =>
      depth === 1 ? { id: '1', run: () => 1 } : { id: `${depth}`, subtasks: [nest(depth - 1)] };
    expect(problemsOf(() => execute({ goal: 'x', tasks: [nest(8)] }))).toEqual([]);
    expect(problemsOf(() => execute({ goal: 'x', tasks: [nest(9)] }))).toEqual([
      'is nested deeper than maxDepth, which is 8',
    ]);
    expect(problemsOf(() => execute({ goal: 'x', tasks: [nest(9)] }, { maxDepth: 9 }))).toEqual([]);
    const tasks: Task[] = [
      { id: 'p', dependencies: ['x'], subtasks: [{ id: 'a', run: () => 1 }] },
      { id: 'x', dependencies: ['a'], run: () => 1 },
      { id: 'q', subtasks: [{ id: 'b', dependencies: ['q'], run: () => 1 }] },
    ];
    expect(problemsOf(() => execute({ goal: 'x', tasks }))).toEqual([
      expect.stringContaining('dependency cycle: a → p → x → a'),
      expect.stringContaining('dependency cycle: q → b → q'),
    ]);
  });
});

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
    expect(statuses(tasks)).toMatchObject({ send: 'skipped', other: 'completed' });
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
