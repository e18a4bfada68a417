import { describe, expect, test } from 'vitest';
import type { RunContext } from './context.js';
import { RunnerError } from './errors.js';
import { codeOfStatus, parseRetryAfter, redact, redactCause, withTimeLimit } from './http-error.js';

describe('codeOfStatus', () => {
  test.each([
    [400, 'invalid_request'],
    [401, 'authentication'],
    [402, 'insufficient_quota'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [408, 'timeout'],
    [413, 'invalid_request'],
    [422, 'invalid_request'],
    [429, 'rate_limited'],
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'overloaded'],
    [504, 'timeout'],
    [529, 'overloaded'],
    [599, 'server_error'],
  ])('%i is %s', (status, code) => {
    expect(codeOfStatus(status)).toBe(code);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  test.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after-ms': '120' }, 120],
    [{ 'retry-after-ms': '120', 'retry-after': '2' }, 120],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:01:30 GMT' }, 90_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 11:59:00 GMT' }, 0],
    [{ 'retry-after': 'later' }, undefined],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{}, undefined],
  ])('%j is %s ms', (headers, expected) => {
    expect(parseRetryAfter(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });

  test('without headers there is nothing to wait for', () => {
    expect(parseRetryAfter(undefined)).toBeUndefined();
  });
});

describe('redaction', () => {
  const key = 'sk-very-secret';

  test('replaces every secret in a text, but no placeholder', () => {
    expect(redact(`key ${key}, again ${key}`, [key, 'x', ''])).toBe(
      'key [redacted], again [redacted]',
    );
    expect(redact('max exceeded', ['x'])).toBe('max exceeded');
  });

  test('leaves a value without a secret as it is', () => {
    const error = new Error('down', { cause: new Error('socket') });
    expect(redactCause(error, [key])).toBe(error);
    expect(redactCause(undefined, [key])).toBeUndefined();
  });

  test.each([
    ['the message', new Error(`bad key ${key}`)],
    ['the cause of a cause', new Error('a', { cause: new Error('b', { cause: new Error(key) }) })],
    ['a property', Object.assign(new Error('a'), { error: { details: [{ key: `=${key}` }] } })],
    ['headers', Object.assign(new Error('a'), { headers: new Headers({ 'x-echo': key }) })],
    ['a value that is no error', `thrown ${key}`],
    ['a getter that throws', Object.defineProperty(new Error('a'), 'request', { get: fail })],
    [
      'a value too large to search',
      Object.assign(new Error('a'), { list: [...Array(3_000).keys()] }),
    ],
  ])('replaces a value with a secret in %s', (_, thrown) => {
    const cause = redactCause(thrown, [key]) as Error;
    expect(cause).not.toBe(thrown);
    expect(cause).toBeInstanceOf(Error);
    expect(Reflect.ownKeys(cause).sort()).toEqual(['message', 'stack']);
    expect(`${cause.message} ${cause.stack}`).not.toContain(key);
  });

  test('ends on a value that refers to itself', () => {
    const error: Error & { self?: unknown } = new Error('round');
    error.self = error;
    expect(redactCause(error, [key])).toBe(error);
  });
});

describe('withTimeLimit', () => {
  test('resolves with the answer, and passes on what was thrown', async () => {
    await expect(withTimeLimit(context(), 1_000, async () => 'text')).resolves.toBe('text');
    const error = new Error('no');
    await expect(withTimeLimit(context(), 1_000, () => Promise.reject(error))).rejects.toBe(error);
  });

  test('stops the request after timeoutMs', async () => {
    await expect(withTimeLimit(context(), 5, untilAborted)).rejects.toMatchObject({
      code: 'timeout',
      message: 'no complete answer within 5 ms',
    });
  });

  test('stops the request at the deadline of the run, when that is sooner', async () => {
    const run = withTimeLimit(context({ deadline: Date.now() - 1 }), 60_000, untilAborted);
    await expect(run).rejects.toMatchObject({ code: 'timeout' });
  });

  test('says what is left', async () => {
    const remaining = (given: Partial<RunContext>, timeoutMs: number) =>
      withTimeLimit(context(given), timeoutMs, async (_, remainingMs) => remainingMs);
    await expect(remaining({}, 1_234.5)).resolves.toBe(1_235);
    await expect(remaining({}, Number.MAX_VALUE)).resolves.toBe(2 ** 31 - 1);
    await expect(remaining({ deadline: Date.now() + 5_000 }, 60_000)).resolves.toBeLessThan(5_001);
  });

  test('stops the request when the run stops, with its reason as cause', async () => {
    const controller = new AbortController();
    const run = withTimeLimit(context({ signal: controller.signal }), 60_000, untilAborted);
    const reason = new Error('enough');
    controller.abort(reason);
    const error = await run.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RunnerError);
    expect(error).toMatchObject({ code: 'aborted', cause: reason });
  });

  test('sends nothing when the run has stopped already', async () => {
    let sent = false;
    const run = withTimeLimit(context({ signal: AbortSignal.abort() }), 1_000, async () => {
      sent = true;
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(sent).toBe(false);
  });

  test('keeps no timer and no listener once it is over', async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => listeners.delete(listener);
    const timers = () =>
      process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const before = timers();
    await withTimeLimit(context({ signal }), 60_000, async () => {
      expect(listeners.size).toBe(1);
      expect(timers()).toBe(before + 1);
    });
    expect(listeners.size).toBe(0);
    expect(timers()).toBe(before);
  });
});

function context(given: Partial<RunContext> = {}): RunContext {
  const { signal } = new AbortController();
  const nothing = { deadline: undefined, emit: () => {}, addTasks: () => {} };
  return { taskId: 'a', attempt: 1, signal, ...nothing, ...given };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

function fail(): never {
  throw new Error('cannot be read');
}
