import { pino } from 'pino';
import { expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import { createExecutor, createPlan, RunnerError, type TaskRunner } from '../index.js';
import { type EventLogger, type LogEventsOptions, logEvents } from './log-events.js';

const plan = createPlan('MARK goal')
  .addTask({ id: 'a', run: () => 'MARK output' })
  .addTask({
    ...{ id: 'b', dependencies: ['a'], retry: { maxAttempts: 1 } },
    run: () => {
      throw new RunnerError('overloaded', 'no capacity');
    },
  });

async function records(level: string, options?: LogEventsOptions) {
  const lines: string[] = [];
  const logger = pino({ level }, { write: (line: string) => void lines.push(line) });
  const executor = createExecutor({ strategy: inOrder });
  await executor.execute(plan, { onEvent: logEvents(logger.child({ runId: 'r' }), options) });
  return lines.map((line) => JSON.parse(line));
}

test('pino writes one record for each event, with a level by its type', async () => {
  const written = await records('trace');
  const { labels } = pino.levels;
  expect(written.map(({ event, level }) => [event, labels[level]])).toEqual([
    ['run_started', 'info'],
    ['strategy_initialized', 'debug'],
    ['task_started', 'debug'],
    ['task_completed', 'info'],
    ['task_started', 'debug'],
    ['task_failed', 'error'],
    ['run_failed', 'error'],
  ]);
  expect(written[3]).toMatchObject({
    ...{ runId: 'r', sequence: 3, taskId: 'a', attempt: 1, taskLevel: 0 },
    msg: expect.stringMatching(/^Task "a" completed in/),
  });
  expect(written[5].err).toMatchObject({ type: 'TaskError', code: 'overloaded', taskId: 'b' });
});

test('records have no content unless it is asked for', async () => {
  const fields = (written: object[]) =>
    JSON.stringify(written.map((each) => ({ ...each, msg: '' })));
  expect(fields(await records('trace'))).not.toContain('MARK');
  const [started, , , completed] = await records('trace', { content: true });
  expect(started.plan.goal).toBe('MARK goal');
  expect(completed.output).toBe('MARK output');
});

test('records do not have what a provider searched for and ran, nor values of the goal', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const runner: TaskRunner = {
    name: 'searching',
    run: async () => ({
      output: 'MARK',
      serverToolCalls: [{ tool: 'web_search', queries: ['MARK'] }],
    }),
  };
  const goalState = {
    criteria: [{ path: 'outputs.a', operator: 'contains', value: 'MARK' }],
  } as const;
  const onEvent = logEvents(logger);
  const executor = createExecutor({ strategy: inOrder, runner, onEvent });
  await executor.execute({ goal: 'x', goalState, tasks: [{ id: 'a', description: 'x' }] });
  const events = lines.map((line) => JSON.parse(line).event);
  expect(events).toEqual(expect.arrayContaining(['task_completed', 'goal_checked']));
  expect(lines.join()).not.toContain('MARK');
});

test('levels can be limited and changed', async () => {
  const types = async (options: LogEventsOptions) =>
    (await records('trace', options)).map(({ event }) => event);
  expect(await types({ level: 'error' })).toEqual(['task_failed', 'run_failed']);
  const levels = { task_started: 'error', task_failed: false } as const;
  expect(await types({ level: 'warn', levels })).toEqual([
    'task_started',
    'task_started',
    'run_failed',
  ]);
});

test('every record has the given fields', async () => {
  const written = await records('info', { fields: { tenant: 7 } });
  expect(new Set(written.map(({ tenant }) => tenant))).toEqual(new Set([7]));
});

test.each([
  [{ level: 'fatal' }, 'level must be one of trace, debug, info, warn, error; it is fatal'],
  [{ levels: { task_failed: 'loud' } }, 'levels.task_failed must be one of'],
  [{ content: 'yes' }, 'content'],
  [{ Level: 'info' }, 'level'],
])('refuses %j', (options, message) => {
  expect(() => logEvents(pino() as EventLogger, options as never)).toThrow(message);
});

test('refuses a logger without levels', () => {
  const partial = { info() {} } as unknown as EventLogger;
  expect(() => logEvents(partial)).toThrow('the logger has no method trace()');
});
