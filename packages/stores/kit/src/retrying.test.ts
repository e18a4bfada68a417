import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Retries, retrying } from './retrying.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const retries = (more: Partial<Retries> = {}): Retries => ({
  forMs: 5_000,
  requireOpen() {},
  mayPass: (thrown) => thrown === 'busy',
  toError: (thrown) => new Error(`failed: ${thrown}`),
  ...more,
});

/** Fails so often, then returns the number of its calls. */
function failing(times: number, thrown = 'busy') {
  let calls = 0;
  return async () => {
    calls++;
    if (calls <= times) throw thrown;
    return calls;
  };
}

test('what fails is tried again until it succeeds', async () => {
  const result = retrying(failing(4), retries());
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await result).toBe(5);
});

test('it fails at once when the error does not pass, and in the end when it does not', async () => {
  await expect(retrying(failing(1, 'wrong'), retries())).rejects.toThrow('failed: wrong');
  const result = retrying(failing(100), retries());
  const failed = expect(result).rejects.toThrow('failed: busy');
  await vi.advanceTimersByTimeAsync(7_000);
  await failed;
});

test('nothing is tried after the end', async () => {
  let isOpen = true;
  const requireOpen = () => {
    if (!isOpen) throw new Error('closed');
  };
  const result = retrying(failing(100), retries({ requireOpen }));
  const failed = expect(result).rejects.toThrow('closed');
  isOpen = false;
  await vi.advanceTimersByTimeAsync(1_000);
  await failed;
});
