import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { createExecutor } from '../runtime/executor.js';
import { resultOf } from './result-from-log.js';

const strategy: Strategy = {
  name: 'first-come',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

const plan: Plan = {
  goal: 'Tell it again',
  tasks: [
    { id: 'list', run: () => [1, 2] },
    { id: 'each', dependencies: ['list'], forEach: 'list', run: ({ item }) => item * 10 },
    { id: 'bad', run: () => Promise.reject(new Error('no')) },
  ],
};

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

describe('resultOf', () => {
  test('equals the result of an ended run', async () => {
    const result = await createExecutor({ strategy }).execute(plan);
    // Events do not name their run.
    const { runId, ...rest } = plain(result);
    expect(plain(resultOf(result.timeline))).toEqual(rest);
    expect(runId).toHaveLength(36);
    expect({ ...resultOf(result.timeline).outputs }).toEqual({ ...result.outputs });
  });

  test('is the progress of a run that is under way', async () => {
    const { timeline } = await createExecutor({ strategy }).execute(plan);
    const middle = timeline.findIndex(
      (event) => event.type === 'task_completed' && event.taskId === 'each[0]',
    );
    const {
      status,
      error,
      strategy: name,
      tasks,
      metrics,
    } = resultOf(timeline.slice(0, middle + 1));
    expect({ status, error, name }).toEqual({
      status: 'running',
      error: undefined,
      name: 'first-come',
    });
    expect(Object.fromEntries(tasks.map((task) => [task.id, task.status]))).toMatchObject({
      list: 'completed',
      'each[0]': 'completed',
    });
    expect(metrics).toMatchObject({ totalTasks: 5, completedTasks: 2 });
  });

  test('is empty before the first event', () => {
    expect(resultOf([])).toMatchObject({ status: 'created', goal: '', tasks: [], outputs: {} });
  });

  test('follows an adopted plan from its start', async () => {
    const journal = memoryJournal();
    const executor = createExecutor({ strategy, journal });
    await executor.execute(plan, { runId: 'one' });
    const changed = { ...plan, tasks: plan.tasks.slice(0, 2) };
    const result = await executor.resume('one', { plan: changed, acceptChanges: true });
    const events: RunEvent[] = [];
    for await (const event of readRun(journal, 'one')) events.push(event);
    const { status, tasks, metrics } = resultOf(events);
    expect({ status, tasks: plain(tasks) }).toEqual({
      status: 'completed',
      tasks: plain(result.tasks),
    });
    expect(metrics.totalTasks).toBe(4);
  });
});
