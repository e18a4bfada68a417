import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ALL, OPTIONS, one, problemsOf, recording, run } from '../../test/recording-runners.js';
import { inOrder, planOf } from '../../test/runs.js';
import { deriveContext } from '../contract/run-context.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import { tool } from '../contract/tool.js';
import {
  createExecutor,
  type ExecutorOptions,
  memoryJournal,
  type RunEvent,
  readRun,
} from '../index.js';

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
    [
      { headers: { 'x-key': 'Größe…' } },
      'headers: must be an object of texts by the name of the header, with characters that HTTP allows',
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
