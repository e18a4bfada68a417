import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { logOf } from '../../test/journals.js';
import { inOrder, planOf } from '../../test/runs.js';
import type { Budget } from '../contract/budget.js';
import type { TaskOptions } from '../contract/call-options.js';
import { isStratagemError } from '../contract/errors.js';
import { formatProblem, PlanError } from '../contract/plan-error.js';
import { deriveContext } from '../contract/run-context.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import {
  createExecutor,
  type ExecutorOptions,
  memoryJournal,
  type RunEvent,
  readRun,
} from '../index.js';
import { workerCarrier } from './worker-carrier.js';

const OPTIONS: TaskOptions = {
  instructions: 'Be brief.',
  temperature: 0.2,
  topP: 0.9,
  seed: 7,
  stopSequences: ['END'],
  maxOutputTokens: 100,
  headers: { 'x-team': 'secret-team-0123456789' },
  providerOptions: { lab: { depth: 2 } },
  reasoning: { effort: 'high' },
};
const ALL = [...Object.keys(OPTIONS), 'model', 'toolChoice'];

function recording(name: string, more: Partial<TaskRunner> = {}) {
  const requests: TaskRequest[] = [];
  const runner: TaskRunner = {
    name,
    resource: `${name}/default`,
    supportedOptions: ALL,
    ...more,
    async run(request) {
      requests.push(request);
      return { output: `${name}: ${request.prompt}` };
    },
  };
  return { runner, requests };
}

const one = (task: Partial<Task> = {}) => planOf({ id: 'a', description: 'Why?', ...task });

function run(plan: ReturnType<typeof planOf>, options: Partial<ExecutorOptions>) {
  return createExecutor({ strategy: inOrder, ...options }).execute(plan);
}

function problemsOf(plan: ReturnType<typeof planOf>, options: Partial<ExecutorOptions>): string[] {
  try {
    void run(plan, options);
  } catch (error) {
    if (error instanceof PlanError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

describe('the options of a task', () => {
  test('reach the runner in its request; without any, there are none', async () => {
    const { runner, requests } = recording('lab');
    await run(planOf({ id: 'a', description: 'x', ...OPTIONS }, { id: 'b', description: 'y' }), {
      runner,
    });
    expect(requests[0]?.options).toEqual(OPTIONS);
    expect(requests[1]).not.toHaveProperty('options');
  });

  test('are copied: a later change of the plan has no effect', async () => {
    const { runner, requests } = recording('lab');
    const providerOptions = { lab: { depth: 2 } };
    const handle = run(one({ providerOptions }), { runner });
    providerOptions.lab.depth = 3;
    await handle;
    expect(requests[0]?.options?.providerOptions).toEqual({ lab: { depth: 2 } });
  });

  test('of items of a fan-out are those of the fan-out', async () => {
    const { runner, requests } = recording('lab');
    const list: Task = { id: 'list', run: () => [1, 2] };
    const each: Task = { id: 'each', description: '{{item}}', dependencies: ['list'] };
    await run(planOf(list, { ...each, forEach: 'list', ...OPTIONS }), { runner });
    expect(requests.map(({ options }) => options)).toEqual([OPTIONS, OPTIONS]);
  });

  test('that the runner does not honour are problems of the plan', () => {
    const { runner } = recording('plain', { supportedOptions: ['seed', 'providerOptions.lab'] });
    const problems = problemsOf(
      one({ temperature: 1, seed: 1, providerOptions: { lab: {}, other: {} } }),
      { runner },
    );
    expect(problems).toEqual([
      'tasks[0].temperature: the runner "plain" does not honour this option',
      'tasks[0].providerOptions.other: the runner "plain" does not honour this option',
    ]);
    const { runner: silent } = recording('silent', { supportedOptions: undefined });
    const inner = { id: 'g', subtasks: [{ id: 'in', description: 'x', seed: 1 }] };
    expect(problemsOf(planOf(inner), { runner: silent })).toEqual([
      'tasks[0].subtasks[0].seed: the runner "silent" does not honour this option',
    ]);
  });

  test('of tasks that are added are checked too', async () => {
    const { runner } = recording('plain', { supportedOptions: [] });
    const adder: Task = {
      id: 'adder',
      run: (_, { addTasks }) => addTasks([{ id: 'late', description: 'x', topP: 1 }]),
    };
    const { tasks } = await run(planOf(adder), { runner });
    expect(tasks[0]?.error?.message).toContain('topP: the runner "plain" does not honour');
  });

  test.each<[Partial<Task>, string]>([
    [{ model: ' ' }, 'model: must be a non-empty string'],
    [{ instructions: '' }, 'instructions: must be a non-empty string'],
    [{ temperature: -1 }, 'temperature: must be a number ≥ 0'],
    [{ temperature: Number.NaN }, 'temperature: must be a number ≥ 0'],
    [{ topP: 0 }, 'topP: must be a number > 0 and ≤ 1'],
    [{ topP: '0.5' as never }, 'topP: must be a number > 0 and ≤ 1'],
    [{ seed: 1.5 }, 'seed: must be an integer'],
    [{ stopSequences: [] }, 'stopSequences: must be a list of non-empty strings'],
    [{ stopSequences: 'END' as never }, 'stopSequences: must be a list of non-empty strings'],
    [{ maxOutputTokens: 0 }, 'maxOutputTokens: must be an integer ≥ 1'],
    [
      { headers: { 'x-key': 'secret\nvalue' } },
      'headers: must be an object of texts by the name of the header',
    ],
    [{ headers: [] as never }, 'headers: must be an object of texts by the name of the header'],
    [
      { providerOptions: { lab: 1 } as never },
      "providerOptions: must be objects by the provider's name, like { openai: { … } }",
    ],
    [
      { reasoning: 'hard' as never },
      'reasoning: must be one of none, minimal, low, medium, high, xhigh, max, or { effort, budgetTokens }',
    ],
    [{ reasoning: {} }, 'reasoning: must be one of none,'],
    [{ reasoning: { efort: 'low' } as never }, 'reasoning: must be one of none,'],
    [{ toolChoice: 'auto' }, 'toolChoice: has no effect on a task without tools'],
  ])('%j is a problem', (task, problem) => {
    const { runner } = recording('lab');
    const [found = ''] = problemsOf(one(task), { runner });
    expect(found).toContain(`tasks[0].${problem}`);
    expect(found).not.toContain('secret');
  });

  test('have no effect on functions, groups and questions, which is a problem', () => {
    const { runner } = recording('lab');
    const inner = [{ id: 'in', run: () => 1 }];
    const problems = problemsOf(
      planOf(
        { id: 'f', run: () => 1, seed: 1 },
        { id: 'g', subtasks: inner, seed: 1 },
        { id: 'q', description: 'Sure?', waitFor: 'approval', seed: 1 },
      ),
      { runner },
    );
    expect(problems.map((each) => each.replace(/;.*/, ''))).toEqual([
      'tasks[0].seed: has no effect on a task with a run function',
      'tasks[1].seed: has no effect on a task that only has subtasks',
      'tasks[2].seed: has no effect on a task that waits for an approval',
    ]);
  });

  test('a choice of a tool names one of the tools of the task', () => {
    const { runner } = recording('lab', { supportsTools: true });
    const weather = tool({
      name: 'weather',
      description: 'Weather',
      inputSchema: { type: 'object' },
      execute: () => 'sunny',
    });
    const toolChoice = { type: 'tool', toolName: 'wether' } as const;
    expect(problemsOf(one({ tools: [weather], toolChoice }), { runner })).toEqual([
      'tasks[0].toolChoice.toolName: is none of the task\'s tools. Did you mean "weather"?',
    ]);
  });
});

describe('the content key', () => {
  const keyOf = async (task: Partial<Task>, options: Partial<ExecutorOptions>) => {
    const events: RunEvent[] = [];
    await createExecutor({
      ...{ strategy: inOrder, journal: memoryJournal() },
      ...options,
      onEvent: (event) => void events.push(event),
    }).execute(one(task));
    const done = events.find(({ type }) => type === 'task_completed');
    return (done as { contentKey?: string }).contentKey;
  };

  test('depends on each option, and not on the name of the runner', async () => {
    const { runner } = recording('lab');
    const keys = new Set<string | undefined>([await keyOf({}, { runner })]);
    for (const [name, value] of Object.entries(OPTIONS)) {
      keys.add(await keyOf({ [name]: value }, { runner }));
    }
    keys.add(await keyOf({ headers: { 'x-team': 'other' } }, { runner }));
    keys.add(await keyOf({ model: 'big' }, { runner }));
    expect(keys.size).toBe(Object.keys(OPTIONS).length + 3);
    const unnamed = await keyOf({}, { runner });
    expect(await keyOf({ model: 'deep' }, { runners: { deep: runner } })).toBe(unnamed);
    expect(await keyOf({ model: 'other' }, { runners: { other: runner } })).toBe(unnamed);
  });
});

describe('the values of headers', () => {
  const secret = 'secret-team-0123456789';
  const plan = () =>
    planOf(
      { id: 'a', description: 'Why?', headers: { 'x-team': secret } },
      {
        id: 'adder',
        run: (_, { addTasks }) =>
          addTasks([{ id: 'b', description: 'x', headers: { 'x-team': secret } }]),
      },
    );

  test('are in no event, no result, no journal and no dump', async () => {
    const { runner, requests } = recording('lab');
    const journal = memoryJournal();
    const events: RunEvent[] = [];
    const result = await createExecutor({
      ...{ strategy: inOrder, runner, journal },
      onEvent: (event) => void events.push(event),
    }).execute(plan(), { runId: 'r' });
    expect(requests.map(({ options }) => options?.headers)).toEqual([
      { 'x-team': secret },
      { 'x-team': secret },
    ]);
    const recorded: unknown[] = [];
    for await (const event of journal.read('r')) recorded.push(event);
    for await (const event of readRun(journal, 'r')) recorded.push(event);
    const all = [events, result, recorded];
    const seen = JSON.stringify(all) + inspect(all, { depth: 20, showHidden: true });
    expect(seen).toContain('x-team');
    expect(seen).not.toContain(secret);
  });

  test('are not recorded, so that resuming needs the plan', async () => {
    const failing: TaskRunner = {
      name: 'lab',
      supportedOptions: ALL,
      run: async () => {
        throw new Error('down');
      },
    };
    const journal = memoryJournal();
    const given = planOf({ id: 'a', description: 'Why?', headers: { 'x-team': secret } });
    const first = createExecutor({ strategy: inOrder, runner: failing, journal });
    await first.execute(given, { runId: 'r' });
    const { runner, requests } = recording('lab');
    const again = createExecutor({ strategy: inOrder, runner, journal });
    const without = again.resume('r', { retryFailed: true });
    await expect(without).rejects.toMatchObject({ code: 'plan_required' });
    await again.resume('r', { retryFailed: true, plan: given });
    expect(requests[0]?.options?.headers).toEqual({ 'x-team': secret });
  });
});

describe('runners by name', () => {
  const fast = () => recording('fast-lab');
  const deep = () => recording('deep-lab');

  test('are chosen by the model of a task; others go to the default', async () => {
    const [first, second] = [fast(), deep()];
    const runners = { fast: first.runner, deep: second.runner };
    const { outputs, tasks } = await run(
      planOf(
        { id: 'a', description: 'x', model: 'deep' },
        { id: 'b', description: 'y', model: 'deep/huge', seed: 1 },
        { id: 'c', description: 'z' },
      ),
      { runners, runner: 'fast' },
    );
    expect(outputs).toEqual({ a: 'deep-lab: x', b: 'deep-lab: y', c: 'fast-lab: z' });
    expect(tasks.map(({ status }) => status)).toEqual(Array(3).fill('completed'));
    expect(second.requests.map(({ options }) => options)).toEqual([
      undefined,
      { model: 'huge', seed: 1 },
    ]);
  });

  test('a name comes before a model of the default runner', async () => {
    const [first, second] = [fast(), deep()];
    await run(one({ model: 'deep' }), { runner: first.runner, runners: { deep: second.runner } });
    expect([first.requests.length, second.requests.length]).toEqual([0, 1]);
  });

  test('without names, the model is one of the runner', async () => {
    const { runner, requests } = fast();
    await run(one({ model: 'org/model-7' }), { runner });
    expect(requests[0]?.options).toEqual({ model: 'org/model-7' });
  });

  test('each has a resource of its own, and so does another model', async () => {
    const resources: string[] = [];
    const noting = {
      ...inOrder,
      begin(view: Parameters<typeof inOrder.begin>[0]) {
        const scheduler = inOrder.begin(view);
        return {
          ...scheduler,
          ready(task: Parameters<typeof scheduler.ready>[0]) {
            resources.push(`${task.id} ${task.resource}`);
            scheduler.ready(task);
          },
        };
      },
    };
    await run(
      planOf(
        { id: 'a', description: 'x', model: 'deep' },
        { id: 'b', description: 'x', model: 'deep/huge' },
        { id: 'c', description: 'x' },
        { id: 'f', run: () => 1 },
      ),
      { strategy: noting, runners: { deep: deep().runner }, runner: fast().runner },
    );
    expect(resources).toEqual([
      'a deep-lab/default',
      'b deep-lab/huge',
      'c fast-lab/default',
      'f function',
    ]);
  });

  test('an unknown name is a problem before anything runs', () => {
    const { runner, requests } = deep();
    const plan = planOf(
      { id: 'a', description: 'x' },
      { id: 'b', description: 'x', model: 'deap' },
      { id: 'c', description: 'x', model: 'gpt-7/mini' },
      { id: 'd', description: 'x', model: 'deep/' },
    );
    expect(problemsOf(plan, { runner, runners: { deep: runner } })).toEqual([
      'tasks[1].model: there is no runner "deap". Did you mean "deep"? A model of a runner is written as deep/model',
      'tasks[2].model: there is no runner "gpt-7". The runners are deep. A model of a runner is written as deep/model',
      'tasks[3].model: there is no runner "deep/". Did you mean "deep"? A model of a runner is written as deep/model',
    ]);
    expect(requests).toEqual([]);
  });

  test('a task without a model needs a default', () => {
    const { runner } = deep();
    const start = () => run(one(), { runners: { deep: runner } });
    expect(start).toThrow('it needs a model (deep), or createExecutor() a runner for such tasks');
  });

  test('each must support the tools and options of its tasks', () => {
    const runners = { deep: deep().runner, plain: recording('p', { supportedOptions: [] }).runner };
    expect(problemsOf(one({ model: 'plain/huge', seed: 1 }), { runners })).toEqual([
      'tasks[0].model: the runner "p" does not honour this option',
      'tasks[0].seed: the runner "p" does not honour this option',
    ]);
    const weather = tool({
      name: 'weather',
      description: 'Weather',
      inputSchema: { type: 'object' },
      execute: () => 'sunny',
    });
    const start = () => run(one({ model: 'deep', tools: [weather] }), { runners });
    expect(start).toThrow('"deep-lab" does not let its model call any');
  });

  test('a budget in US dollars needs the price of each model', () => {
    const pricing = { unknownModels: ['x'], isKnown: (model: string) => model === 'huge' };
    const { runner } = recording('deep-lab', { pricing });
    const start = (model: string) => () =>
      run(one({ model }), { runners: { deep: runner }, budget: { costUsd: 1 } });
    expect(start('deep')).toThrow('the price of "x" is unknown');
    expect(start('deep/tiny')).toThrow('the price of "tiny" is unknown');
    expect(start('deep/huge')).not.toThrow();
  });

  describe('a budget of a resource', () => {
    const paid = (name: string, resource: string | ((task: Task) => string) = name) => ({
      ...recording(name, { resource }).runner,
      run: async () => ({ output: 1, usage: { inputTokens: 10, outputTokens: 0 }, costUsd: 1 }),
    });
    const tasks = (...models: string[]) =>
      planOf(...models.map((model, n) => ({ id: `t${n}`, description: 'x', model })));
    const runners = { fast: paid('lab/small'), deep: paid('lab/large') };

    test('may name the runner, or its resource', async () => {
      for (const name of ['fast', 'lab/small']) {
        const budget = { resources: { [name]: { tokens: 15 } } };
        const plan = tasks('fast', 'deep', 'fast', 'deep');
        const { error, metrics } = await run(plan, { runners, budget, maxParallel: 1 });
        expect(error?.message).toContain('the budget of resource "lab/small" of 15 for tokens');
        expect(metrics.completedTasks).toBe(2);
      }
    });

    test('adds up for runners with one resource', async () => {
      const both = { fast: paid('a', 'lab/one'), deep: paid('b', 'lab/one') };
      const budget = { resources: { fast: { tokens: 10 }, deep: { tokens: 20 } } };
      const options = { runners: both, budget, maxParallel: 1 };
      const { metrics } = await run(tasks('fast', 'fast', 'fast', 'fast'), options);
      expect(metrics.completedTasks).toBe(3);
      const lower = { resources: { ...budget.resources, 'lab/one': { tokens: 20 } } };
      const fewer = await run(tasks('fast', 'fast', 'fast'), { ...options, budget: lower });
      expect(fewer.metrics.completedTasks).toBe(2);
      const unlimited = { resources: { fast: { tokens: 10 }, deep: { costUsd: 20 } } };
      expect((await run(tasks('fast', 'deep'), { ...options, budget: unlimited })).status).toBe(
        'completed',
      );
    });

    test.each<[string, string]>([
      ['fats', 'Did you mean "fast"?'],
      ['lab/smal', 'Did you mean "lab/small"?'],
      ['elsewhere', 'The resources are "fast", "deep", "lab/small", "lab/large".'],
      ['', 'must have the name of a resource'],
    ])('for %j is refused', (name, message) => {
      const budget = { resources: { [name]: { tokens: 1 } } };
      const executor = createExecutor({ strategy: inOrder, runners });
      const create = () => executor.execute(tasks('fast'), { budget });
      expect(create).toThrow(message);
      if (name !== '') expect(create).toThrow(`budget.resources["${name}"]: no task of this plan`);
    });

    test('may name a resource of tasks without a model', async () => {
      const budget = { resources: { function: { tokens: 5 } } };
      const plan = planOf({ id: 'a', run: () => 1 }, { id: 'b', description: 'x', model: 'fast' });
      const executor = createExecutor({ strategy: inOrder, runners });
      expect((await executor.execute(plan, { budget })).status).toBe('completed');
    });

    test('of the executor may be for other plans, and is replaced by that of a run', async () => {
      const other = { elsewhere: { tokens: 5 } };
      const budget = { tokens: 100, resources: { ...other, fast: { tokens: 10 } } };
      const executor = createExecutor({ strategy: inOrder, runners, budget, maxParallel: 1 });
      const plan = tasks('fast', 'fast', 'fast');
      const completedWith = async (own?: object) =>
        (await executor.execute(plan, own && { budget: own })).metrics.completedTasks;
      expect(await completedWith()).toBe(1);
      expect(await completedWith({ tokens: 20 })).toBe(1);
      expect(await completedWith({ resources: { fast: { tokens: 20 } } })).toBe(2);
      expect(executor.check(plan, { budget: { tokens: 1 } })).toEqual([]);
      const again = { budget: { resources: other } };
      expect(executor.check(plan, again).map(({ code }) => code)).toEqual(['invalid_option']);
    });

    test.each([
      ['fast', 'fast'],
      ['fast', 'lab/small'],
      ['lab/small', 'fast'],
    ])(
      'of "%s" is replaced by that of "%s" in a run, its resumption and its fork',
      async (name, own) => {
        const journal = memoryJournal();
        const limited = (key: string, tokens: number) => ({ resources: { [key]: { tokens } } });
        const options = { strategy: inOrder, runners, maxParallel: 1, journal };
        const executor = createExecutor({ ...options, budget: limited(name, 10) });
        const plan = tasks('fast', 'fast', 'fast', 'fast');
        const first = await executor.execute(plan, { runId: 'one', budget: limited(own, 20) });
        expect(first.metrics.completedTasks).toBe(2);
        const again = { retryFailed: true, budget: limited(name, 30) };
        expect((await executor.resume('one', again)).metrics.completedTasks).toBe(3);
        const forked = await executor.fork('one', { runId: 'two', budget: limited(own, 10) });
        expect(forked.status).toBe('completed');
        const [start] = await logOf(journal, 'two');
        expect(start?.limits).toMatchObject({ budget: limited('lab/small', 10) });
      },
    );

    test.each<Budget>([
      { resources: { fast: { tokens: 10 }, deep: { tokens: 10 } } },
      { tokens: 20, costUsd: undefined },
      { resources: { fast: { tokens: 20, costUsd: undefined } } },
    ])('that limits tokens alone needs no prices when it is resumed: %j', async (budget) => {
      const journal = memoryJournal();
      const pricing = { unknownModels: ['x'] };
      const one = { ...paid('a', 'lab/one'), pricing };
      const options = { strategy: inOrder, journal, maxParallel: 1 };
      const executor = createExecutor({ ...options, runners: { fast: one, deep: one } });
      const plan = tasks('fast', 'deep', 'fast', 'deep');
      const first = await executor.execute(plan, { runId: 'one', budget });
      expect(first.metrics.completedTasks).toBe(2);
      const again = await executor.resume('one', { retryFailed: true });
      expect(again.error?.message).toContain('of 20 for tokens has 20 used');
    });

    test('is not recorded where there is none', async () => {
      const journal = memoryJournal();
      const executor = createExecutor({ strategy: inOrder, runners, journal });
      await executor.execute(tasks('fast'), { runId: 'one' }).orThrow();
      await executor.fork('one', { runId: 'two' }).orThrow();
      const starts = ['one', 'two'].map(async (runId) => (await logOf(journal, runId))[0]);
      for (const start of await Promise.all(starts)) {
        expect(start?.limits ?? {}).not.toHaveProperty('budget');
      }
    });

    test('in US dollars needs the prices of its resource, and of no other', () => {
      const pricing = { unknownModels: ['x'] };
      const unknown = { fast: { ...paid('lab/small'), pricing }, deep: paid('lab/large') };
      const start = (name: string) => () =>
        run(tasks('fast', 'deep'), {
          runners: unknown,
          budget: { resources: { [name]: { costUsd: 9 } } },
        });
      expect(start('deep')).not.toThrow();
      expect(start('fast')).toThrow(
        'budget.resources["lab/small"].costUsd: the price of "x" is unknown; add it to prices',
      );
    });
  });

  test.each<[object, string]>([
    [{ runners: { a: {} } }, 'runners.a must be a TaskRunner'],
    [{ runners: 'a' }, 'runners must be an object of runners by name'],
    [{ runners: { 'a/b': deep().runner } }, 'the name "a/b" of a runner is empty or has a /'],
    [{ runners: { deep: deep().runner }, runner: 'dep' }, 'Did you mean "deep"?'],
    [{ runner: 'deep' }, 'runner "deep" is none of runners. They are none.'],
  ])('%j is an error', (options, message) => {
    const create = () => createExecutor({ strategy: inOrder, ...options } as ExecutorOptions);
    expect(create).toThrow(message);
    try {
      create();
    } catch (error) {
      expect(isStratagemError(error) && error.code).toBe('invalid_option');
    }
  });

  test('work behind a queue too', async () => {
    const [first, second] = [fast(), deep()];
    const worker = workerCarrier({ runner: first.runner, runners: { deep: second.runner } });
    const carrier = {
      ...{ name: 'wire', close: () => worker.close() },
      ...{ cancel: worker.cancel.bind(worker), detach: worker.detach.bind(worker) },
      start: (call: Parameters<typeof worker.start>[0], tell: Parameters<typeof worker.start>[1]) =>
        worker.start(JSON.parse(JSON.stringify(call)), tell),
    };
    const { outputs } = await run(
      planOf(
        { id: 'a', description: 'x', model: 'deep/huge' },
        { id: 'b', description: 'y', seed: 3 },
      ),
      { runner: first.runner, runners: { deep: second.runner }, carrier },
    );
    expect(outputs).toEqual({ a: 'deep-lab: x', b: 'fast-lab: y' });
    expect(second.requests[0]?.options).toEqual({ model: 'huge' });
    expect(first.requests[0]?.options).toEqual({ seed: 3 });
  });
});

describe('whether anybody reads the text', () => {
  const wanted = async (
    plan: ReturnType<typeof planOf>,
    options: Partial<ExecutorOptions> = {},
  ) => {
    const seen: unknown[] = [];
    const runner: TaskRunner = {
      name: 'lab',
      async run(_, context) {
        seen.push(context.wantsText, deriveContext(context, { wantsText: true }).wantsText);
        return { output: 'x' };
      },
    };
    await createExecutor({ strategy: inOrder, runner, ...options }).execute(plan);
    return seen;
  };

  test.each<[string, Partial<Task>, Partial<ExecutorOptions>, boolean]>([
    ['nobody', {}, {}, false],
    ['nobody, with a journal', {}, { journal: memoryJournal() }, false],
    ['a listener', {}, { onEvent: () => {} }, true],
    ['a listener that does not want it', {}, { onEvent: () => {}, wantsText: false }, false],
    ['a limit of idle time', { idleTimeoutMs: 5_000 }, {}, true],
    [
      'the strategy',
      {},
      {
        strategy: {
          name: 'observing',
          begin: (view) => ({ ...inOrder.begin(view), output: () => {} }),
        },
      },
      true,
    ],
  ])('reaches the runner: %s', async (_, task, options, expected) => {
    expect(await wanted(one(task), options)).toEqual([expected, true]);
  });

  test('does not reach a listener that does not want it', async () => {
    const types: string[] = [];
    const runner: TaskRunner = {
      name: 'streaming',
      async run(_, { emit }) {
        await emit('x');
        return { output: 'x' };
      },
    };
    const onEvent = ({ type }: RunEvent) => void types.push(type);
    const { timeline } = await run(one({}), { runner, onEvent, wantsText: false });
    expect(timeline.map(({ type }) => type)).toContain('task_output');
    expect(types).toEqual(timeline.flatMap(({ type }) => (type === 'task_output' ? [] : [type])));
  });

  test('depends on the iterators of the run at that time', async () => {
    const seen: unknown[] = [];
    const runner: TaskRunner = {
      name: 'lab',
      run: async (_, context) => ({ output: seen.push(context.wantsText) }),
    };
    const plan = planOf(
      { id: 'a', description: 'x' },
      { id: 'b', description: 'y', dependencies: ['a'] },
    );
    for await (const { type } of createExecutor({ strategy: inOrder, runner }).execute(plan)) {
      if (type === 'task_completed') break;
    }
    expect(seen[0]).toBe(true);
  });

  test('is no part of the content key', async () => {
    const keys = new Set<unknown>();
    for (const stream of [undefined, true, false, 'auto'] as const) {
      const { runner } = recording('lab', { supportedOptions: ['stream'] });
      const { timeline } = await run(one(stream === undefined ? {} : { stream }), {
        ...{ runner, journal: memoryJournal() },
      });
      const done = timeline.find(({ type }) => type === 'task_completed');
      keys.add((done as { contentKey?: string }).contentKey);
    }
    expect(keys.size).toBe(1);
  });

  test('an attempt that does not stream cannot have a limit of idle time', () => {
    const { runner } = recording('lab', { supportedOptions: ['stream'] });
    expect(problemsOf(one({ stream: false, idleTimeoutMs: 5 }), { runner })).toEqual([
      'tasks[0].idleTimeoutMs: would end every attempt that does not stream: remove it, or stream: false',
    ]);
  });
});
