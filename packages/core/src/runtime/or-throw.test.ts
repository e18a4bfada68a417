import { describe, expect, test } from 'vitest';
import { execute, inOrder, planOf } from '../../test/runs.js';
import {
  createExecutor,
  createPlan,
  isStratagemError,
  memoryJournal,
  type Plan,
  RunError,
  RunnerError,
} from '../index.js';

const noKey = () => {
  throw new RunnerError('missing_api_key', 'x() has no API key: set X_API_KEY');
};
const failing = planOf(
  { id: 'fine', run: () => 1 },
  { id: 'research', run: noKey },
  { id: 'other', run: () => Promise.reject(new Error('late')) },
  { id: 'report', dependencies: ['research'], run: () => 2 },
);

async function thrownBy(ending: Promise<unknown>): Promise<RunError> {
  try {
    await ending;
  } catch (error) {
    if (error instanceof RunError) return error;
    throw error;
  }
  throw new Error('it did not throw');
}

const executor = createExecutor({ strategy: inOrder, abortGraceMs: 0 });

describe('orThrow', () => {
  test('resolves with the result of a completed run, with the types of its outputs', async () => {
    const plan = createPlan('sum').addTask({ id: 'one', run: () => 1 });
    const result = await executor.execute(plan).orThrow();
    const one: number = result.outputs.one;
    expect(one).toBe(1);
    expect(result.status satisfies 'completed').toBe('completed');
  });

  test('rejects with the code, the first failed task, the remedy and the result', async () => {
    const run = execute(failing);
    const error = await thrownBy(run.orThrow());
    expect(isStratagemError(error)).toBe(true);
    expect(error).toMatchObject({ name: 'RunError', code: 'missing_api_key', taskId: 'research' });
    expect(error.message).toBe(
      'The run failed. Task "research" failed: x() has no API key: set X_API_KEY (the first of 2 failures)',
    );
    expect(error.cause).toMatchObject({ code: 'missing_api_key', taskId: 'research' });
    expect(error.result).toBe(await run);
    expect(error.result.outputs).toEqual({ fine: 1 });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'RunError',
      code: 'missing_api_key',
      taskId: 'research',
      message: error.message,
    });
  });

  test('rejects with the reason of a run that no task made fail', async () => {
    const forever: Plan = planOf({ id: 'slow', run: () => new Promise(() => {}) });
    const run = executor.execute(forever);
    run.cancel('enough');
    const error = await thrownBy(run.orThrow());
    expect(error).toMatchObject({ code: 'run_canceled', message: 'The run was canceled: enough' });
    expect(error.taskId).toBeUndefined();
    const late = await thrownBy(executor.execute(forever, { deadlineMs: 1 }).orThrow());
    expect(late.code).toBe('deadline_exceeded');
  });

  test('knows the failed task of a run that has been resumed, or read, after it ended', async () => {
    const journal = memoryJournal();
    await executor.execute(failing, { runId: 'r', journal });
    const resumed = await thrownBy(executor.resume('r', { journal }).orThrow());
    expect(resumed).toMatchObject({ code: 'missing_api_key', taskId: 'research' });
    expect(resumed.result.status).toBe('failed');
  });

  test('of a run that cannot be opened rejects like its result', async () => {
    const run = executor.resume('nowhere', { journal: memoryJournal() });
    await expect(run.orThrow()).rejects.toMatchObject({ code: 'run_not_found' });
  });

  test('leaves the handle as it is: it never rejects', async () => {
    await expect(execute(failing)).resolves.toMatchObject({ status: 'failed' });
  });
});
