import { describe, expect, test } from 'vitest';
import { logOf } from '../../test/journals.js';
import { lastFirst, runnerOf } from '../../test/runs.js';
import { asyncTimeRatio } from '../../test/time-ratio.js';
import type { EventData } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { createExecutor, memoryJournal, readRun } from '../index.js';
import { planToData } from '../serialize/plan.js';
import type { RunState } from '../state/run-state.js';
import { adoptedLog } from './adopt.js';
import { type Changes, invalidationOf } from './invalidation.js';
import { LogReader } from './log-reader.js';

const NO_CHANGES: Changes = { changed: new Set(), outcomes: new Set() };

const SIZE = 3_000;
const strategy = lastFirst;
const { runner } = runnerOf();

function task(id: string): Task {
  return { id, description: id };
}

/** A plan with one task, which adds `size` tasks one by one. */
function growing(size: number, goal = 'x'): Plan {
  const run: Task['run'] = (_, { addTasks }) => {
    for (let n = 0; n < size; n++) addTasks([task(`added ${n}`)]);
  };
  return { goal, tasks: [{ id: 'adder', run }] };
}

async function recordedRun(size: number) {
  const journal = memoryJournal();
  const executor = createExecutor({ strategy, runner, journal });
  await executor.execute(growing(size), { runId: 'one' });
  return { journal, executor };
}

/** The same run with a log that ends while the adding attempt is in flight. */
async function interruptedRun(size: number) {
  const { journal: whole } = await recordedRun(size);
  const events = await logOf(whole, 'one');
  const log = events.slice(
    0,
    events.findIndex(({ type }) => type === 'task_completed'),
  );
  const journal = memoryJournal();
  const run = await journal.create({ id: 'one', goal: 'x', createdAt: 0 });
  await run.append(log);
  await run.close();
  return { log, executor: createExecutor({ strategy, runner, journal }) };
}

describe('twice as many tasks, added one by one by one attempt, take about twice the work', () => {
  test('to record', async () => {
    expect(await asyncTimeRatio(SIZE, (size) => () => recordedRun(size))).toBeLessThan(3);
  });

  test('to read', async () => {
    const ratio = await asyncTimeRatio(SIZE, async (size) => {
      const { journal } = await recordedRun(size);
      return async () => {
        for await (const _ of readRun(journal, 'one'));
      };
    });
    expect(ratio).toBeLessThan(3);
  });

  test('to resume', async () => {
    const ratio = await asyncTimeRatio(SIZE, async (size) => {
      const { executor } = await interruptedRun(size);
      return () => executor.resume('one', { plan: growing(size) });
    });
    expect(ratio).toBeLessThan(3);
  });

  test('to resume under a changed plan', async () => {
    const ratio = await asyncTimeRatio(SIZE, async (size) => {
      const { executor } = await recordedRun(size);
      return () => executor.resume('one', { plan: growing(size, 'y'), acceptChanges: true });
    });
    expect(ratio).toBeLessThan(3);
  });

  test('to invalidate', async () => {
    const after = new Graph(growing(0).tasks);
    const { log } = await interruptedRun(1);
    const position = log.findIndex(({ type }) => type === 'tasks_added');
    const addition = log[position] as EventData;
    const ratio = await asyncTimeRatio(8 * SIZE, (size) => {
      const additions = Array.from({ length: size }, (_, n) => ({
        ...addition,
        sequence: addition.sequence + n,
        tasks: [{ id: `added ${n}`, description: 'x' }],
      }));
      const events = [...log.slice(0, position), ...additions];
      const reader = new LogReader();
      for (const event of events) reader.read(event);
      const state = reader.state as RunState;
      return () => invalidationOf(events, state, after, NO_CHANGES);
    });
    expect(ratio).toBeLessThan(3);
  });
});

test('twice as many tasks invalidated by one change take about twice the work', async () => {
  const planOf = (size: number, description: string): Plan => {
    const dependencies = ['first'];
    const rest = Array.from({ length: size }, (_, n) => ({ ...task(`task ${n}`), dependencies }));
    return { goal: 'x', tasks: [{ id: 'first', description }, ...rest] };
  };
  const ratio = await asyncTimeRatio(SIZE, async (size) => {
    const journal = memoryJournal();
    const executor = createExecutor({ strategy, runner, journal });
    await executor.execute(planOf(size, 'before'), { runId: 'one' });
    const log: EventData[] = await logOf(journal, 'one');
    const planData = planToData(planOf(size, 'after'));
    return () => adoptedLog({ runId: 'one', log, planData, limits: {}, now: 1 });
  });
  expect(ratio).toBeLessThan(3);
});
