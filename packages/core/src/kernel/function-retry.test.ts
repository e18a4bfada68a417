import { describe, expect, test } from 'vitest';
import { execute, planOf, statuses, taskOf } from '../../test/runs.js';
import { RunnerError, type Task } from '../index.js';

/** A function that throws these values one after the other, and then returns 1. */
function throwing(...values: unknown[]) {
  let calls = 0;
  return {
    run: () => {
      calls++;
      if (calls > values.length) return 1;
      throw values[calls - 1];
    },
    calls: () => calls,
  };
}

const error = new Error('no');
const retry = { maxAttempts: 3, initialDelayMs: 0 };

describe('a function with a retry policy of its own', () => {
  test('that throws is tried as often as the policy says', async () => {
    const { run, calls } = throwing(error, 'no', undefined);
    const result = await execute(planOf({ id: 'a', run, retry }));
    expect(calls()).toBe(3);
    expect(taskOf(result, 'a')).toMatchObject({ status: 'failed', attempts: 3 });
  });

  test('completes with the first try that does not throw', async () => {
    const { run, calls } = throwing(error);
    expect(statuses(await execute(planOf({ id: 'a', run, retry }))).a).toBe('completed');
    expect(calls()).toBe(2);
  });

  test.each<[string, unknown, Task['retry']]>([
    ['says that trying again is of no use', new RunnerError('refused', 'no'), retry],
    ['is not among those of the policy', error, { ...retry, on: ['timeout'] }],
  ])('is not tried again when its error %s', async (_, thrown, policy) => {
    const { run, calls } = throwing(thrown);
    await execute(planOf({ id: 'a', run, retry: policy }));
    expect(calls()).toBe(1);
  });
});

test('a function under the policy of the plan is not repeated for any error', async () => {
  const { run, calls } = throwing(error);
  await execute({ ...planOf({ id: 'a', run }), retry });
  expect(calls()).toBe(1);
});

test('a failed fetch in a function is a broken connection, which is transient', async () => {
  const failure = new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') });
  const { run, calls } = throwing(failure, failure, failure);
  const result = await execute({ ...planOf({ id: 'a', run }), retry });
  expect(calls()).toBe(3);
  expect(taskOf(result, 'a').error).toMatchObject({
    code: 'connection',
    message: 'Task "a" failed: fetch failed: ECONNREFUSED',
  });
});
