import { expect, test } from 'vitest';
import { runPlan, start } from '../../test/run-plan.js';
import { runDocument } from './json-documents.js';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const isoTime = expect.stringMatching(ISO);

/** The document as a program reads it. */
const parsed = (document: object) => JSON.parse(JSON.stringify(document));

test('a completed plan has every field of every task', async () => {
  const result = await runPlan(
    [
      { id: 'a', description: 'x' },
      { id: 'b', description: 'y', dependencies: ['a'] },
    ],
    { goal: 'Two' },
  );
  const document = parsed(runDocument(result));
  expect(Object.keys(document)).toEqual([
    'runId',
    'status',
    'error',
    'goal',
    'strategy',
    'startedAt',
    'endedAt',
    'outputs',
    'tasks',
    'metrics',
    'timeline',
  ]);
  expect(document).toMatchObject({ status: 'completed', goal: 'Two', strategy: 'sequential' });
  expect(document.error).toBeNull();
  expect([document.startedAt, document.endedAt]).toEqual([isoTime, isoTime]);
  expect(document.startedAt).toBe(document.timeline[0].timestamp);
  expect(document.endedAt).toBe(document.timeline.at(-1).timestamp);
  const times = { startedAt: isoTime, completedAt: isoTime, durationMs: expect.any(Number) };
  expect(document.tasks).toEqual(
    ['a', 'b'].map((id, level) => ({
      id,
      status: 'completed',
      level,
      parentId: null,
      attempts: 1,
      output: `output of ${id}`,
      citations: [],
      serverToolCalls: [],
      error: null,
      loop: null,
      savedTo: null,
      ...times,
    })),
  );
  expect(document.metrics).toMatchObject({
    completedTasks: 2,
    usage: { inputTokens: 4, outputTokens: 2 },
    costUsd: null,
  });
  expect(document.timeline.map(({ type }: { type: string }) => type)).toEqual([
    'run_started',
    'strategy_initialized',
    ...['task_started', 'task_output', 'task_completed'],
    ...['task_started', 'task_output', 'task_completed'],
    'run_completed',
  ]);
  for (const { timestamp } of document.timeline) expect(timestamp).toMatch(ISO);
});

test('a failed and a skipped task have an error, and null as output and times', async () => {
  const result = await runPlan([
    { id: 'a', description: 'fail as' },
    { id: 'b', description: 'y', dependencies: ['a'] },
  ]);
  const { status, error, tasks, timeline } = parsed(runDocument(result));
  expect(status).toBe('failed');
  expect(error).toEqual({
    name: 'StratagemError',
    code: 'task_failed',
    message: 'The run failed. Task "a" failed: fail as it did',
    taskId: 'a',
  });
  expect(tasks).toEqual([
    {
      id: 'a',
      status: 'failed',
      level: 0,
      parentId: null,
      attempts: 1,
      output: null,
      citations: [],
      serverToolCalls: [],
      error: {
        name: 'TaskError',
        code: 'task_failed',
        message: 'Task "a" failed: fail as it did',
        taskId: 'a',
      },
      loop: null,
      savedTo: null,
      startedAt: isoTime,
      completedAt: isoTime,
      durationMs: expect.any(Number),
    },
    {
      id: 'b',
      status: 'skipped',
      level: 1,
      parentId: null,
      attempts: 0,
      output: null,
      citations: [],
      serverToolCalls: [],
      error: { code: 'dependency_failed', message: 'skipped: task "a" failed' },
      loop: null,
      savedTo: null,
      startedAt: null,
      completedAt: null,
      durationMs: null,
    },
  ]);
  expect(timeline.at(-1)).toMatchObject({ type: 'run_failed', error: { code: 'run_failed' } });
});

test('a canceled plan distinguishes a task in flight from one that never started', async () => {
  const run = start([
    { id: 'a', run: () => new Promise(() => {}) },
    { id: 'b', description: 'y', dependencies: ['a'] },
  ]);
  for await (const { type } of run) if (type === 'task_started') run.cancel('enough');
  const { status, error, tasks } = parsed(runDocument(await run));
  expect(status).toBe('canceled');
  expect(error).toEqual({
    name: 'StratagemError',
    code: 'run_canceled',
    message: 'The run was canceled: enough',
    taskId: null,
  });
  expect(tasks).toMatchObject([
    {
      status: 'canceled',
      startedAt: isoTime,
      durationMs: expect.any(Number),
      error: { code: 'run_canceled', message: 'canceled: the run was canceled' },
    },
    {
      status: 'canceled',
      startedAt: null,
      durationMs: null,
      error: {
        code: 'run_canceled',
        message: 'canceled before it started: the run was canceled',
      },
    },
  ]);
});
