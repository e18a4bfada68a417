import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { RunEvent } from '../contract/event.js';
import type { Plan } from '../contract/plan.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import { Graph } from '../graph/graph.js';
import { simulate } from '../simulate/simulate.js';
import { computeMetrics } from './metrics.js';
import { createResult } from './result.js';
import { RunState } from './run-state.js';

const strategy: Strategy = {
  name: 'first-come',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

const plan: Plan = {
  goal: 'result',
  tasks: [
    { id: 'a', description: 'x' },
    { id: 'b', description: 'x', dependencies: ['a'] },
    { id: 'c', description: 'x' },
  ],
};

const completed = () =>
  simulate(plan, { strategy, attempt: ({ id }) => ({ durationMs: 10, output: { from: id } }) });

const failed = () =>
  simulate(plan, {
    strategy,
    attempt: ({ id }) => ({ durationMs: 10, output: id, ...(id === 'a' && { error: 'no' }) }),
  });

describe('a result', () => {
  test('of a run that completed has every output and no error', () => {
    const result = completed();
    expect(result.status).toBe('completed');
    expect(result.goal).toBe('result');
    expect(result.strategy).toBe('first-come');
    expect({ ...result.outputs }).toEqual({ a: { from: 'a' }, b: { from: 'b' }, c: { from: 'c' } });
    expect('error' in result).toBe(false);
    expect(result.listenerErrors).toEqual([]);
    expect(result.tasks[1]).toEqual({
      id: 'b',
      status: 'completed',
      level: 1,
      attempts: 1,
      startedAt: 10,
      completedAt: 20,
      durationMs: 10,
      output: { from: 'b' },
    });
  });

  // Engines keep getters per object in memory long after the objects.
  test('shares its getters with all other results', () => {
    const getters = (result: object) =>
      Object.values(Object.getOwnPropertyDescriptors(result)).flatMap(({ get }) => get ?? []);
    const first = getters(completed());
    const second = getters(failed());
    expect(first).toHaveLength(5);
    expect(first.every((getter, position) => getter === second[position])).toBe(true);
  });

  test('of a failed run has the existing outputs and the reason for each other task', () => {
    const result = failed();
    expect(Object.keys(result.outputs)).toEqual(['c']);
    expect(result.error).toMatchObject({ code: 'run_failed' });
    expect(result.tasks.map(({ id, status, attempts }) => [id, status, attempts])).toEqual([
      ['a', 'failed', 1],
      ['b', 'skipped', 0],
      ['c', 'completed', 1],
    ]);
    expect(result.tasks[0]).toMatchObject({ error: { taskId: 'a' }, completedAt: 10 });
    expect(result.tasks[0]).not.toHaveProperty('output');
    expect(result.tasks[1]).toEqual({
      id: 'b',
      status: 'skipped',
      level: 1,
      attempts: 0,
      reason: 'dependency_failed',
      failedTaskId: 'a',
    });
  });

  test('has the duration of an aborted task, and none for a task that never started', () => {
    const { tasks } = simulate(plan, {
      strategy,
      deadlineMs: 25,
      attempt: ({ id }) => ({ durationMs: id === 'a' ? Number.POSITIVE_INFINITY : 10 }),
    });
    expect(tasks[0]).toEqual({
      id: 'a',
      status: 'canceled',
      level: 0,
      attempts: 1,
      startedAt: 0,
      completedAt: 25,
      durationMs: 25,
      reason: 'deadline_exceeded',
    });
    expect(tasks[1]).toEqual({
      id: 'b',
      status: 'canceled',
      level: 1,
      attempts: 0,
      reason: 'deadline_exceeded',
    });
  });

  test('an output that is undefined is an output', () => {
    const { outputs, tasks } = simulate(plan, { strategy });
    expect(Object.entries(outputs)).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['c', undefined],
    ]);
    expect(tasks[0]).toHaveProperty('output', undefined);
  });

  test('returns the same lists and records each time they are read', () => {
    const result = completed();
    expect(result.tasks).toBe(result.tasks);
    expect(result.outputs).toBe(result.outputs);
  });

  test('has outputs of tasks with ids like those of object properties, also in JSON', () => {
    const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ' '].filter(Boolean);
    const odd: Plan = { goal: 'x', tasks: ids.map((id) => ({ id, description: 'x' })) };
    const result = simulate(odd, {
      strategy,
      attempt: ({ id }) => ({ durationMs: 1, output: id }),
    });
    expect(Object.entries(result.outputs)).toEqual(ids.map((id) => [id, id]));
    expect(Object.getPrototypeOf(result.outputs)).toBeNull();
    const { outputs } = JSON.parse(JSON.stringify(result));
    expect(Object.entries(outputs)).toEqual(ids.map((id) => [id, id]));
    expect(simulate(plan, { strategy }).outputs).not.toHaveProperty('toString');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('is serialized to JSON without listener errors, and its metrics can be recomputed', () => {
    for (const result of [completed(), failed()]) {
      const json = JSON.parse(JSON.stringify(result));
      expect(Object.keys(json)).toEqual(
        [
          'status',
          'startedAt',
          'endedAt',
          'goal',
          'strategy',
          'planOutputs',
          'outputs',
          'tasks',
          'error',
          'metrics',
          'timeline',
        ].filter((key) => key !== 'error' || result.status === 'failed'),
      );
      expect(computeMetrics(json.timeline)).toEqual(result.metrics);
    }
    expect(JSON.parse(JSON.stringify(failed())).error).toEqual({
      name: 'StratagemError',
      code: 'run_failed',
      message: 'The run failed. Task "a" failed: no',
      taskId: 'a',
    });
  });

  test('of a failed run are the outputs that no completed task used', () => {
    const tasks = [
      { id: 'a', description: 'x' },
      { id: 'b', description: 'x', dependencies: ['a'] },
      { id: 'c', description: 'x', dependencies: ['b'] },
      { id: 'clean', description: 'x', dependencies: ['b'], runAfter: 'settled' as const },
    ];
    const resultsWith = (failing: string) =>
      simulate(
        { goal: 'x', tasks },
        {
          strategy: inOrder,
          retry: { maxAttempts: 1 },
          attempt: ({ id }) => ({
            durationMs: 1,
            ...(id === failing ? { error: new Error('no') } : { output: `of ${id}` }),
          }),
        },
      ).planOutputs;
    expect(resultsWith('none')).toEqual({ c: 'of c' });
    expect(resultsWith('c')).toEqual({ b: 'of b' });
    expect(resultsWith('b')).toEqual({ a: 'of a' });
    expect(resultsWith('a')).toEqual({});
  });

  test('can be rebuilt from the timeline in its JSON', () => {
    const result = failed();
    const { timeline, tasks }: { timeline: RunEvent[]; tasks: unknown } = JSON.parse(
      JSON.stringify(result),
    );
    const state = new RunState(new Graph(plan.tasks));
    for (const event of timeline) state.apply(event);
    const again = createResult({
      goal: 'result',
      strategy: 'first-come',
      planOutputs: undefined,
      state,
      timeline,
    });
    expect(again.metrics).toEqual(result.metrics);
    expect(again.status).toBe('failed');
    expect(again.tasks).toEqual(tasks);
    expect(again.outputs).toEqual(result.outputs);
  });

  test('loses nothing in a spread copy or a structured clone', () => {
    const result = completed();
    expect({ ...result }).toMatchObject({ outputs: result.outputs, tasks: result.tasks });
    const clone = structuredClone(result);
    expect(clone.outputs.b).toEqual({ from: 'b' });
    expect(clone.tasks).toEqual(result.tasks);
  });

  test('is shown by console.log with the number of events as its timeline', () => {
    const text = inspect(failed(), { depth: 4 });
    expect(text).toContain("status: 'failed'");
    expect(text).toContain("c: 'c'");
    expect(text).toContain("reason: 'dependency_failed'");
    expect(text).toContain('successRate: 0.33');
    expect(text).toContain('Task "a" failed: no');
    expect(text).toMatch(/timeline: '\d+ events'/);
    expect(text).not.toContain('run_started');
  });
});
