import { expect, test } from 'vitest';
import { inOrder, planOf } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import { simulate } from '../simulate/simulate.js';
import { describeEvent } from './describe-event.js';

const at = { sequence: 0, timestamp: 0 };
const attempt = { ...at, taskId: 'report', level: 0, attempt: 1 };
const error = new RunnerError('connection', 'the server is\nbusy');

test('a run reads like a report', () => {
  const { timeline } = simulate(
    planOf(
      { id: 'research', description: 'Research.', estimate: { durationMs: 1_200 } },
      {
        id: 'report',
        description: 'Report.',
        dependencies: ['research'],
        estimate: { durationMs: 90_000 },
      },
    ),
    { strategy: inOrder },
  );
  const sentences = timeline.map(describeEvent);
  expect(sentences).toEqual(
    expect.arrayContaining([
      'Task "research" started.',
      'Task "research" completed in 1.2 s.',
      'Task "report" completed in 1 min 30 s.',
      'The run completed in 1 min 31 s.',
    ]),
  );
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z"].*[.!?…]$/);
});

test('a loop reads like a report, too', () => {
  const { timeline } = simulate(
    planOf({
      id: 'draft',
      description: 'x',
      repeat: { until: ({ iteration }) => iteration === 2 },
    }),
    { strategy: inOrder },
  );
  expect(timeline.map(describeEvent)).toEqual(
    expect.arrayContaining([
      'Iteration "draft#2" follows.',
      'Task "draft" completed in 2.0 s: its condition held after 2 iterations.',
    ]),
  );
});

test.each<[RunEvent, string]>([
  [
    {
      ...at,
      type: 'budget_exceeded',
      taskId: 'report',
      budget: 'costUsd',
      resource: 'openai/gpt-5',
      limit: 2,
      used: 2,
      requested: 1,
    },
    'The budget "costUsd" of 2 for resource "openai/gpt-5" does not suffice for task "report".',
  ],
  [
    { ...at, type: 'budget_waiting', taskId: 'report', resource: 'openai/gpt-5' },
    'Task "report" waits until running tasks have settled their part of the budget for resource "openai/gpt-5".',
  ],
  [
    {
      ...attempt,
      type: 'task_retrying',
      durationMs: 5,
      delayMs: 500,
      error,
    } as unknown as RunEvent,
    'Task "report" is retried in 500 ms: the server is busy.',
  ],
  [
    { ...attempt, type: 'task_skipped', reason: 'dependency_failed', failedTaskId: 'research' },
    'Task "report" was skipped, because a task that it needs failed ("research").',
  ],
  [
    { ...attempt, type: 'task_canceled', reason: 'deadline_exceeded' },
    'Task "report" was canceled, because the deadline was exceeded.',
  ],
  [
    { ...attempt, type: 'task_canceled', reason: 'requested' },
    'Task "report" was canceled on request.',
  ],
  [
    { ...attempt, type: 'task_skipped', reason: 'requested' },
    'Task "report" was skipped on request.',
  ],
  [
    { ...attempt, type: 'task_skipped', reason: 'requested', message: 'no need' },
    'Task "report" was skipped on request: no need.',
  ],
  [
    { ...attempt, type: 'task_waiting', kind: 'approval', question: 'Send it?' },
    'Task "report" waits for an approval: Send it?',
  ],
  [
    { ...attempt, type: 'task_output', kind: 'tool_call', callId: '1', tool: 'search', input: {} },
    'Task "report" called the tool "search".',
  ],
  [
    { ...attempt, type: 'task_output', kind: 'notice', source: 'planner', message: 'No plan' },
    'Task "report": No plan.',
  ],
  [
    {
      ...at,
      type: 'tasks_added',
      source: 'for_each',
      taskId: 'a',
      tasks: [],
      stream: { hash: '', isEnd: true },
    },
    'Task "a" has read all of its items.',
  ],
  [{ ...at, type: 'tasks_added', source: 'add_tasks', tasks: [{ id: 'a' }] }, '1 task was added.'],
  [
    { ...at, type: 'goal_checked', progress: 0.5, achieved: false, criteria: [] },
    'The goal is 50% achieved.',
  ],
  [
    {
      ...{ ...attempt, type: 'tool_approval_decided', key: 'k', callId: '1', tool: 'search' },
      ...{ approved: false, message: 'other calls', withdrawn: true },
    },
    'Task "report" no longer asks to call the tool "search".',
  ],
  [
    { ...at, type: 'run_failed', durationMs: 20, error },
    'The run failed after 20 ms: the server is busy.',
  ],
  [
    { ...at, type: 'max_parallel_changed', maxParallel: null },
    'Any number of tasks may run at once from now on.',
  ],
])('%o', (event, sentence) => {
  expect(describeEvent(event)).toBe(sentence);
});
