import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { logOf } from '../../test/journals.js';
import { inOrder } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunStarted } from '../contract/event.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { createPlan } from '../contract/plan-builder.js';
import { tool } from '../contract/tool.js';
import { createExecutor } from '../runtime/executor.js';
import type { ExecutorOptions } from '../runtime/executor-options.js';
import { memoryJournal } from './memory-journal.js';
import { readRun } from './read-run.js';

/** An executor whose answers are the prompts, and the tasks that it asked its runner for. */
function asking(journal: Journal, options: Partial<ExecutorOptions> = {}) {
  const asked: string[] = [];
  const executor = createExecutor({
    strategy: inOrder,
    journal,
    runner: {
      name: 'echo',
      async run({ taskId, prompt }) {
        asked.push(taskId);
        return { output: prompt };
      },
    },
    ...options,
  });
  return { executor, asked };
}

const REPORT: Plan = {
  goal: 'Report',
  tasks: [
    { id: 'research', description: 'Gather facts' },
    { id: 'rivals', description: 'List rivals' },
    { id: 'report', description: 'Write {{research}}', dependencies: ['research'] },
    { id: 'mail', description: 'Send {{report}}', dependencies: ['report'] },
  ],
};

async function recordedReport() {
  const journal = memoryJournal();
  const { executor, asked } = asking(journal);
  await executor.execute(REPORT, { runId: 'one' }).orThrow();
  asked.length = 0;
  return { journal, executor, asked };
}

async function startOf(journal: Journal, runId: string): Promise<RunStarted> {
  for await (const event of readRun(journal, runId)) return event as RunStarted;
  throw new Error(`run ${runId} is empty`);
}

describe('a fork of a recorded run', () => {
  test('runs the named tasks and what depends on them again, and keeps the others', async () => {
    const { journal, executor, asked } = await recordedReport();
    const before = JSON.stringify(await logOf(journal, 'one'));
    const { status, outputs } = await executor.fork('one', { runId: 'two', tasks: ['report'] });
    expect({ status, asked }).toEqual({ status: 'completed', asked: ['report', 'mail'] });
    expect(outputs).toMatchObject({ rivals: 'List rivals', mail: 'Send Write Gather facts' });
    expect(JSON.stringify(await logOf(journal, 'one'))).toBe(before);
    const { forkedFrom, sequence } = await startOf(journal, 'two');
    const last = (await logOf(journal, 'one')).at(-1)?.sequence;
    expect(sequence).toBe(0);
    expect(forkedFrom).toEqual({ runId: 'one', sequence: last, tasks: ['report'] });
  });

  test('has a new id unless it is given one, and costs only what runs again', async () => {
    const { executor, asked } = await recordedReport();
    const { runId, metrics } = await executor.fork('one', { tasks: ['mail'] });
    expect(runId).not.toBe('one');
    expect(asked).toEqual(['mail']);
    expect(metrics.completedTasks).toBe(4);
  });

  test('runs the tasks that completed after an event again', async () => {
    const { journal, executor, asked } = await recordedReport();
    const log = await logOf(journal, 'one');
    const at = log.find(({ type, taskId }) => type === 'task_completed' && taskId === 'research');
    await executor.fork('one', { at: at?.sequence }).orThrow();
    expect(asked).toEqual(['rivals', 'report', 'mail']);
  });

  test('runs the tasks of a changed plan again that have changed', async () => {
    const { executor, asked } = await recordedReport();
    const tasks = REPORT.tasks.map((task) =>
      task.id === 'report' ? { ...task, description: 'Draft {{research}}' } : task,
    );
    const { outputs } = await executor.fork('one', { plan: { ...REPORT, tasks } });
    expect(asked).toEqual(['report', 'mail']);
    expect(outputs.mail).toBe('Send Draft Gather facts');
  });

  test('publishes all of its events', async () => {
    const { executor } = await recordedReport();
    const heard: string[] = [];
    const run = executor.fork('one', { tasks: ['mail'], onEvent: ({ type }) => heard.push(type) });
    const types: string[] = [];
    for await (const { type } of run) types.push(type);
    expect(types.slice(0, 4)).toEqual(['run_started', ...Array(3).fill('task_completed')]);
    expect(heard).toEqual(types);
    expect((await run).timeline.map(({ type }) => type)).toEqual(types);
  });

  test('of a failed run repeats what failed', async () => {
    const journal = memoryJournal();
    let isDown = true;
    const runner = {
      name: 'flaky',
      async run({ taskId }: { readonly taskId: string }) {
        if (taskId === 'report' && isDown) throw new RunnerError('server_error', 'down');
        return { output: taskId };
      },
    };
    const executor = createExecutor({
      strategy: inOrder,
      journal,
      runner,
      retry: { maxAttempts: 1 },
    });
    expect((await executor.execute(REPORT, { runId: 'one' })).status).toBe('failed');
    isDown = false;
    expect((await executor.fork('one')).status).toBe('completed');
  });

  test('of a fork names its own source, and a resumed fork keeps what it had', async () => {
    const { journal, executor, asked } = await recordedReport();
    await executor.fork('one', { runId: 'two', tasks: ['mail'] }).orThrow();
    await executor.fork('two', { runId: 'three', tasks: ['report'] }).orThrow();
    expect((await startOf(journal, 'three')).forkedFrom).toMatchObject({ runId: 'two' });
    asked.length = 0;
    const { status } = await executor.resume('three');
    expect({ status, asked }).toEqual({ status: 'completed', asked: [] });
  });

  test('keeps its origin when it accepts a changed plan', async () => {
    const { journal, executor } = await recordedReport();
    await executor.fork('one', { runId: 'two', tasks: ['mail'] }).orThrow();
    const tasks = [...REPORT.tasks, { id: 'more', description: 'More' }];
    await executor.resume('two', { plan: { ...REPORT, tasks }, acceptChanges: true }).orThrow();
    const starts = (await logOf(journal, 'two')).filter(({ type }) => type === 'run_started');
    expect(starts.map(({ forkedFrom }) => forkedFrom)).toEqual([
      expect.objectContaining({ runId: 'one' }),
      expect.objectContaining({ runId: 'one' }),
    ]);
  });
});

describe('other inputs', () => {
  const plan = createPlan('Profile', {
    inputs: z.object({ company: z.string(), year: z.string() }),
  })
    .addTask({ id: 'facts', description: 'Facts of {{inputs.company}}' })
    .addTask({ id: 'history', description: 'History of {{inputs.year}}' })
    .addTask({ id: 'plain', description: 'Write what inputs are' })
    .addTask({ id: 'all', description: 'Given {{inputs}}' })
    .addTask({ id: 'code', run: ({ inputs }) => inputs.year })
    .addTask({ id: 'end', description: 'End {{facts}}', dependencies: ['facts'] });

  async function forked(inputs: { readonly company?: string; readonly year?: string }) {
    const journal = memoryJournal();
    const { executor, asked } = asking(journal);
    const first = { company: 'Apple', year: '1976' };
    await executor.execute(plan, { runId: 'one', inputs: first }).orThrow();
    asked.length = 0;
    const result = await executor.fork('one', { runId: 'two', plan, inputs });
    const { forkedFrom, inputs: values } = await startOf(journal, 'two');
    return { result, asked, forkedFrom, values };
  }

  test('run the tasks again that use them, and tasks that get all of them', async () => {
    const { result, asked, forkedFrom, values } = await forked({ company: 'IBM' });
    expect(asked).toEqual(['facts', 'all', 'end']);
    expect(result.outputs).toMatchObject({ facts: 'Facts of IBM', history: 'History of 1976' });
    expect(forkedFrom?.inputs).toEqual(['company']);
    expect(values).toEqual({ company: 'IBM', year: '1976' });
  });

  test('run added tasks again that use them, and no others', async () => {
    const journal = memoryJournal();
    const { executor, asked } = asking(journal);
    const first = { company: 'Apple', year: '1976' };
    const run = executor.execute(plan, { runId: 'one', inputs: first });
    run.addTasks([
      { id: 'more', description: 'More of {{inputs.company}}' },
      { id: 'other', description: 'In {{inputs.year}}' },
    ]);
    await run.orThrow();
    asked.length = 0;
    const { tasks } = await executor.fork('one', { plan, inputs: { company: 'IBM' } });
    expect(asked.toSorted()).toEqual(['all', 'end', 'facts', 'more']);
    expect(tasks.find(({ id }) => id === 'more')?.output).toBe('More of IBM');
    expect(tasks.find(({ id }) => id === 'other')?.output).toBe('In 1976');
  });

  test('that are the same run nothing again', async () => {
    const { asked, forkedFrom } = await forked({ company: 'Apple' });
    expect(asked).toEqual([]);
    expect(forkedFrom).not.toHaveProperty('inputs');
  });

  test('reach a module through what it is given', async () => {
    const review = {
      goal: 'Review',
      inputs: z.object({ text: z.string() }),
      tasks: [{ id: 'judge', description: 'Judge {{inputs.text}}' }],
    };
    const outer: Plan = {
      goal: 'Outer',
      inputs: z.object({ text: z.string(), other: z.string() }),
      tasks: [
        { id: 'first', plan: review, with: { text: '{{inputs.text}}' } },
        { id: 'second', plan: review, with: { text: '{{inputs.other}}' } },
      ],
    };
    const { executor, asked } = asking(memoryJournal());
    await executor.execute(outer, { runId: 'one', inputs: { text: 'a', other: 'b' } }).orThrow();
    asked.length = 0;
    await executor.fork('one', { plan: outer, inputs: { text: 'c' } }).orThrow();
    expect(asked).toEqual(['first/judge']);
  });

  test('that the plan does not have are refused, and leave no run behind', async () => {
    const { journal, executor } = await recordedReport();
    const run = executor.fork('one', { runId: 'two', inputs: { company: 'IBM' } });
    await expect(run.result).rejects.toThrow(/company/);
    expect((await journal.list()).map(({ id }) => id)).toEqual(['one']);
  });
});

describe('inputs that the schema changes', () => {
  const plan = createPlan('Profile', {
    inputs: z.object({ name: z.string().transform((name) => name.length), year: z.string() }),
  })
    .addTask({ id: 'size', description: 'Size {{inputs.name}}' })
    .addTask({ id: 'year', description: 'Year {{inputs.year}}' });

  async function recordedProfile() {
    const journal = memoryJournal();
    const { executor, asked } = asking(journal);
    await executor.execute(plan, { runId: 'one', inputs: { name: 'abc', year: '1976' } }).orThrow();
    asked.length = 0;
    return { executor, asked };
  }

  test('are kept as they were recorded', async () => {
    const { executor, asked } = await recordedProfile();
    const { outputs } = await executor.fork('one', { plan, tasks: ['year'] });
    expect(outputs).toEqual({ size: 'Size 3', year: 'Year 1976' });
    expect(asked).toEqual(['year']);
  });

  test('are changed again where they are given again', async () => {
    const { executor, asked } = await recordedProfile();
    const { outputs } = await executor.fork('one', { plan, inputs: { name: 'abcd' } });
    expect(outputs).toEqual({ size: 'Size 4', year: 'Year 1976' });
    expect(asked).toEqual(['size']);
  });

  test('need the plan when another value is given', async () => {
    const { executor } = await recordedProfile();
    const inputs = { name: 'abcd' };
    await expect(executor.fork('one', { inputs }).result).rejects.toThrow(
      'Run "one" cannot be forked with another value of "name" without its plan, because the schema ' +
        'that checks the inputs is not recorded. Pass it as `plan`',
    );
  });
});

describe('a fork of a run that was re-planned', () => {
  const plan: Plan = {
    goal: 'Ship',
    tasks: [
      { id: 'build', description: 'Build' },
      { id: 'test', description: 'Test {{build}}', dependencies: ['build'] },
      { id: 'docs', description: 'Write docs' },
    ],
  };

  /** A run in which a task fails, and a round of re-planning replaces it by two. */
  async function replanned() {
    const journal = memoryJournal();
    const asked: string[] = [];
    let rounds = 0;
    const executor = createExecutor({
      strategy: inOrder,
      journal,
      retry: { maxAttempts: 1 },
      runner: {
        name: 'flaky',
        async run({ taskId, prompt }) {
          asked.push(taskId);
          if (taskId === 'build') throw new RunnerError('server_error', 'down');
          return { output: prompt };
        },
      },
      replan: {
        revise: () => {
          rounds++;
          return [
            { id: 'other build', description: 'Build otherwise' },
            { id: 'other test', description: '{{other build}}', dependencies: ['other build'] },
          ];
        },
      },
    });
    const { status } = await executor.execute(plan, { runId: 'one' });
    expect({ status, asked }).toEqual({
      status: 'completed',
      asked: ['build', 'docs', 'other build', 'other test'],
    });
    asked.length = 0;
    return { executor, asked, roundsSince: () => rounds - 1, journal };
  }

  test('keeps the failures that a round has replaced, and the tasks of the round', async () => {
    const { executor, asked, roundsSince } = await replanned();
    const fork = await executor.fork('one', { runId: 'two', tasks: ['other test'] });
    expect({ status: fork.status, asked }).toEqual({ status: 'completed', asked: ['other test'] });
    expect(roundsSince()).toBe(0);
    const ends = fork.tasks.map(({ id, status }) => [id, status]);
    expect(Object.fromEntries(ends)).toMatchObject({ build: 'failed', test: 'skipped' });
    expect(fork.metrics).toMatchObject({ replanRounds: 1, attempts: 1 });
    asked.length = 0;
    expect((await executor.resume('two')).status).toBe('completed');
    expect(asked).toEqual([]);
  });

  test('asks the planner again when something that it knew runs again', async () => {
    const { executor, asked, roundsSince } = await replanned();
    const { status } = await executor.fork('one', { tasks: ['docs'] });
    expect(status).toBe('completed');
    expect(asked).toEqual(['build', 'docs', 'other build', 'other test']);
    expect(roundsSince()).toBe(1);
  });

  test('from before the round asks the planner again', async () => {
    const { executor, journal, roundsSince } = await replanned();
    const log = await logOf(journal, 'one');
    const started = log.find(({ type }) => type === 'replan_started');
    const { status } = await executor.fork('one', { at: started?.sequence });
    expect({ status, rounds: roundsSince() }).toEqual({ status: 'completed', rounds: 1 });
  });
});

describe('the tasks of a group', () => {
  const group = (description: string, when?: string): Plan => ({
    goal: 'Group',
    inputs: z.object({ style: z.string() }),
    tasks: [
      {
        ...{ id: 'all', type: 'aggregate', description },
        ...(when !== undefined && { when: { path: 'inputs.style', operator: '==', value: when } }),
        subtasks: [
          { id: 'fetch', tool: 'fetch', args: { url: 'x' } },
          { id: 'read', description: 'Read' },
        ],
      },
    ],
  });
  const fetched: string[] = [];
  const fetch = tool({
    ...{ name: 'fetch', description: 'Fetches', inputSchema: z.object({ url: z.string() }) },
    execute: async ({ url }) => {
      fetched.push(url);
      return url;
    },
  });

  async function forked(before: Plan, after: Plan, style?: string) {
    const { executor, asked } = asking(memoryJournal(), { tools: [fetch] });
    await executor.execute(before, { runId: 'one', inputs: { style: 'a' } }).orThrow();
    asked.length = fetched.length = 0;
    const inputs = style === undefined ? {} : { inputs: { style } };
    await executor.fork('one', { plan: after, ...inputs }).orThrow();
    return { asked, fetched: [...fetched] };
  }

  test('run again only where the group may not run them any more', async () => {
    const changed = await forked(group('Sum up'), group('Conclude'));
    expect(changed).toEqual({ asked: ['all'], fetched: [] });
    const input = group('Sum up as {{inputs.style}}');
    expect(await forked(input, input, 'b')).toEqual({ asked: ['all'], fetched: [] });
    const conditional = await forked(group('Sum up'), group('Sum up', 'a'));
    expect(conditional).toEqual({ asked: ['read', 'all'], fetched: ['x'] });
  });
});

describe('a fork is refused', () => {
  const cases: [string, Parameters<ReturnType<typeof createExecutor>['fork']>, RegExp][] = [
    ['for an unknown task', ['one', { tasks: ['reprot'] }], /no task "reprot".*report/],
    ['for an event that is not there', ['one', { at: 1_000 }], /no event 1000; its last one is/],
    ['for an unknown run', ['none', {}], /none/],
    ['when its id is taken', ['one', { runId: 'one' }], /one/],
    ['for an invalid plan', ['one', { plan: { goal: 'x', tasks: [] } }], /task/],
  ];
  test.each(cases)('%s', async (_, args, message) => {
    const { journal, executor } = await recordedReport();
    await expect(executor.fork(...args).result).rejects.toThrow(message);
    expect((await journal.list()).map(({ id }) => id)).toEqual(['one']);
  });

  test('for wrong arguments', async () => {
    const { executor } = await recordedReport();
    expect(() => executor.fork('one', { at: -1 })).toThrow(/sequence number/);
    expect(() => executor.fork('one', { tasks: 'report' as never })).toThrow(/list of ids/);
    expect(() => executor.fork('one', { task: 'report' } as never)).toThrow(/tasks/);
  });

  test('without the plan, when a function would run', async () => {
    const journal = memoryJournal();
    const { executor } = asking(journal);
    const plan: Plan = {
      goal: 'x',
      tasks: [
        { id: 'a', run: () => 1 },
        { id: 'b', run: () => 2 },
      ],
    };
    await executor.execute(plan, { runId: 'one' }).orThrow();
    await expect(executor.fork('one', { tasks: ['a'] }).result).rejects.toThrow(
      /^Run "one" cannot be forked without its plan/,
    );
    expect((await executor.fork('one', { tasks: ['a'], plan })).status).toBe('completed');
  });
});
