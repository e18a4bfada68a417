import { describe, expect, test } from 'vitest';
import { logOf } from '../../test/journals.js';
import { one, problemsOf, recording, run } from '../../test/recording-runners.js';
import { inOrder, planOf } from '../../test/runs.js';
import type { Budget } from '../contract/budget.js';
import { isStratagemError } from '../contract/errors.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import { createExecutor, type ExecutorOptions, memoryJournal } from '../index.js';
import { workerCarrier } from './worker-carrier.js';

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
