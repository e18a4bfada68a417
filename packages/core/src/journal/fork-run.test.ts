import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { logOf } from '../../test/journals.js';
import { inOrder } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunStarted } from '../contract/event.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { createPlan } from '../contract/plan-builder.js';
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
    await expect(executor.fork('one', { tasks: ['a'] }).result).rejects.toThrow(/plan/);
    expect((await executor.fork('one', { tasks: ['a'], plan })).status).toBe('completed');
  });
});
