import { OptionError, type RunContext, RunnerError, type Task } from '@stratagem/core';
import { ATTEMPT_ERROR_CODES } from '@stratagem/core/runner';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../../test/attempt.js';
import { failure, pause, scripted } from '../../test/scripted.js';
import { fallback } from './fallback.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ask = (runner: ReturnType<typeof fallback>, context = attempt()) =>
  runner.run(request('Why?'), context);
const errorOf = async (work: Promise<unknown>): Promise<RunnerError> =>
  work.then(
    () => expect.fail('it did not fail'),
    (thrown) => thrown,
  );

describe('the response', () => {
  test('is that of the first runner, unchanged, and no other runner is called', async () => {
    const answer = { output: 'yes', usage: { inputTokens: 1, outputTokens: 2 } };
    const [first, second] = [scripted('first', answer), scripted('second')];
    expect(await ask(fallback(first, second))).toBe(answer);
    expect(second.contexts).toHaveLength(0);
  });

  test('is that of the next runner, in order, when a runner fails', async () => {
    const [a, b, c] = [
      scripted('a', failure('server_error')),
      scripted('b', new TypeError('oops')),
      scripted('c'),
    ];
    expect(await ask(fallback([a, b, c]))).toEqual({ output: 'c' });
  });

  test('includes the usage of failed tries, and a cost only when every cost is known', async () => {
    const tokens = { inputTokens: 100, outputTokens: 20 };
    const answer = {
      output: 'yes',
      usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4 },
      costUsd: 0.01,
      model: 'b-1',
    };
    const known = failure('truncated', { usage: tokens, costUsd: 0.02 });
    const unknown = failure('truncated', { usage: tokens });
    const sum = { inputTokens: 110, outputTokens: 25, cachedInputTokens: 4 };
    const withCost = await ask(fallback(scripted('a', known), scripted('b', answer)));
    expect(withCost).toEqual({ output: 'yes', model: 'b-1', usage: sum, costUsd: 0.03 });
    const without = await ask(fallback(scripted('a', unknown), scripted('b', answer)));
    expect(without).toEqual({ output: 'yes', model: 'b-1', usage: sum });
  });

  test('must match the schema of the task, or the next runner is called', async () => {
    const usage = { inputTokens: 1, outputTokens: 1 };
    const [a, b] = [scripted('a', { output: 'x', usage }), scripted('b', { output: 7 })];
    const check = async (answer: unknown) => (answer === 7 ? undefined : 'it is no number');
    const context = attempt();
    const answer = await fallback(a, b).run({ ...request('How many?'), check }, context);
    expect(answer).toEqual({ output: 7, usage });
    expect(context.emitted).toMatchObject([
      { code: 'invalid_output', message: '"a" failed: it is no number; trying "b"' },
    ]);
  });

  test('must have an output', async () => {
    const a = scripted('a', (() => undefined) as never);
    expect(await ask(fallback(a, scripted('b')))).toEqual({ output: 'b' });
  });
});

describe('errors', () => {
  test('lead to the next runner, except those that every runner would fail with', async () => {
    const final: string[] = [];
    for (const code of ATTEMPT_ERROR_CODES) {
      const b = scripted('b');
      await ask(fallback(scripted('a', failure(code)), b)).catch(() => final.push(code));
      expect(b.contexts).toHaveLength(final.at(-1) === code ? 0 : 1);
    }
    expect(final).toEqual([
      'invalid_input',
      'subtasks_failed',
      'rejected',
      'step_limit',
      'aborted',
    ]);
  });

  test('lead to the next runner when they are listed, and only then', async () => {
    const runner = (code: 'refused' | 'timeout') =>
      fallback([scripted('a', failure(code)), scripted('b')], { on: ['refused'] });
    expect(await ask(runner('refused'))).toEqual({ output: 'b' });
    await expect(ask(runner('timeout'))).rejects.toMatchObject({ code: 'timeout' });
  });

  test('are passed on unchanged when only one runner was called', async () => {
    const thrown = failure('step_limit', {
      status: 200,
      usage: { inputTokens: 1, outputTokens: 1 },
    });
    expect(await errorOf(ask(fallback(scripted('a', thrown), scripted('b'))))).toBe(thrown);
  });

  test('of all runners are combined, with their total usage and number of tries', async () => {
    const a = failure('rate_limited', {
      retryAfterMs: 100,
      usage: { inputTokens: 1, outputTokens: 2 },
    });
    const inner = failure('refused', {
      tries: 2,
      requestId: 'r-7',
      usage: { inputTokens: 10, outputTokens: 20 },
    });
    const error = await errorOf(ask(fallback(scripted('a', a), scripted('b', inner))));
    expect(error).toBeInstanceOf(RunnerError);
    expect(error).toMatchObject({
      code: 'rate_limited',
      message:
        'no runner succeeded. "a" (rate_limited): it was rate_limited; ' +
        '"b" (refused): it was refused',
      tries: 3,
      usage: { inputTokens: 11, outputTokens: 22 },
    });
    expect((error.cause as AggregateError).errors).toEqual([a, inner]);
  });

  test('have the code of the last transient failure, so that the attempt is retried', async () => {
    const codeOf = async (...codes: Parameters<typeof failure>[0][]) =>
      (await errorOf(ask(fallback(codes.map((code) => scripted(code, failure(code))))))).code;
    expect(await codeOf('timeout', 'connection', 'missing_api_key')).toBe('connection');
    expect(await codeOf('refused', 'authentication')).toBe('authentication');
    expect(await codeOf('server_error', 'step_limit')).toBe('step_limit');
  });

  test('have a retryAfterMs when every runner is unavailable: the shortest wait', async () => {
    const limited = (retryAfterMs: number) => failure('rate_limited', { retryAfterMs });
    const both = fallback(scripted('a', limited(9_000)), scripted('b', limited(2_000)));
    expect(await errorOf(ask(both))).toMatchObject({ code: 'rate_limited', retryAfterMs: 2_000 });
    const one = fallback(scripted('a', limited(9_000)), scripted('b', failure('connection')));
    expect((await errorOf(ask(one))).retryAfterMs).toBeUndefined();
  });

  test('have no retryAfterMs when another runner is left for the next attempt', async () => {
    const thrown = failure('rate_limited', { retryAfterMs: 9_000 });
    const runner = fallback(scripted('a', thrown), scripted('b'));
    const error = await errorOf(ask(runner, attempt({ attempt: 3, attemptsLeft: 1 })));
    expect(error).toMatchObject({ code: 'rate_limited', cause: thrown });
    expect(error.retryAfterMs).toBeUndefined();
  });

  test('quote at most 300 characters of each message', async () => {
    const long = new Error('x'.repeat(5_000));
    const error = await errorOf(ask(fallback(scripted('a', long), scripted('b', long))));
    expect(error.message.length).toBeLessThan(1_000);
  });
});

describe('the log', () => {
  test('has a notice for each switch, between the texts of both runners', async () => {
    const a = scripted('a', async (_, { emit }) => {
      await emit('Let me ');
      throw failure('connection');
    });
    const b = scripted('b', async (_, { emit }) => {
      await emit('Because.');
      return { output: 'Because.' };
    });
    const context = attempt();
    await ask(fallback(a, b), context);
    expect(context.emitted).toEqual([
      'Let me ',
      {
        kind: 'notice',
        source: 'fallback',
        message: '"a" failed: it was connection; trying "b"',
        code: 'connection',
      },
      'Because.',
    ]);
  });

  test('explains once for each runner why it is not used', async () => {
    const context = attempt();
    const codes = ['timeout', 'refused', 'truncated'] as const;
    await ask(
      fallback([...codes.map((code) => scripted(code, failure(code))), scripted('d')]),
      context,
    );
    expect(context.emitted).toMatchObject([
      { message: '"timeout" failed: it was timeout; trying "refused"' },
      { message: '"refused" failed: it was refused; trying "truncated"' },
      { message: '"truncated" failed: it was truncated; trying "d"' },
    ]);
  });

  test('has no output that a runner emits after it has failed', async () => {
    const a = scripted('a', (_, { emit }) => {
      setTimeout(() => emit('too late'), 10);
      throw failure('timeout');
    });
    const b = scripted('b', async () => {
      await pause(20);
      return { output: 'b' };
    });
    const context = attempt();
    const answer = ask(fallback(a, b), context);
    await vi.advanceTimersByTimeAsync(20);
    await answer;
    expect(context.emitted).toHaveLength(1);
  });

  test('is awaited before the next runner is called', async () => {
    const b = scripted('b');
    const emit = () => pause(50);
    const answer = ask(fallback(scripted('a', failure('timeout')), b), attempt({ emit }));
    await vi.advanceTimersByTimeAsync(49);
    expect(b.contexts).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toEqual({ output: 'b' });
  });
});

describe('an attempt that has ended', () => {
  test('calls no further runner', async () => {
    const control = new AbortController();
    const b = scripted('b');
    const a = scripted('a', () => {
      control.abort();
      throw failure('connection');
    });
    const context = attempt({ signal: control.signal });
    expect(await errorOf(ask(fallback(a, b), context))).toMatchObject({ code: 'connection' });
    expect(b.contexts).toHaveLength(0);
    expect(context.emitted).toEqual([]);
  });

  test('calls no runner when it was aborted before it began', async () => {
    const a = scripted('a');
    const reason = new Error('enough');
    const answer = ask(fallback(a, scripted('b')), attempt({ signal: AbortSignal.abort(reason) }));
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect(a.contexts).toHaveLength(0);
  });

  test('does not count the timeout of the first runner against the next', async () => {
    const a = scripted('a', async () => {
      await pause(1_000);
      throw failure('timeout');
    });
    const b = scripted('b');
    const answer = errorOf(ask(fallback(a, b), attempt({ remainingMs: 1_000 })));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toMatchObject({ code: 'timeout' });
    expect(b.contexts).toHaveLength(0);
  });
});

describe('a runner', () => {
  test('that keeps failing is skipped, and later probed by one request', async () => {
    const a = scripted('a', failure('connection'), failure('connection'), async () => {
      await pause(100);
      return { output: 'a' };
    });
    const runner = fallback([a, scripted('b')], { failureThreshold: 2, resetTimeoutMs: 1_000 });
    await ask(runner);
    await ask(runner);
    const context = attempt();
    expect(await ask(runner, context)).toEqual({ output: 'b' });
    expect(a.contexts).toHaveLength(2);
    expect(context.emitted).toEqual([
      {
        kind: 'notice',
        source: 'fallback',
        message:
          '"a" was skipped: unavailable for 1,000 ms ' +
          'after 2 failures in a row (connection: it was connection); trying "b"',
        code: 'overloaded',
      },
    ]);
    await vi.advanceTimersByTimeAsync(1_000);
    const probe = ask(runner);
    expect(await ask(runner)).toEqual({ output: 'b' });
    await vi.advanceTimersByTimeAsync(100);
    expect(await probe).toEqual({ output: 'a' });
    const closed = Promise.all([ask(runner), ask(runner)]);
    await vi.advanceTimersByTimeAsync(100);
    expect(await closed).toEqual([{ output: 'a' }, { output: 'a' }]);
  });

  test('that asks to wait is skipped until then', async () => {
    const a = scripted('a', failure('overloaded', { retryAfterMs: 700 }), { output: 'a' });
    const runner = fallback(a, scripted('b'));
    expect(await ask(runner)).toEqual({ output: 'b' });
    await vi.advanceTimersByTimeAsync(699);
    expect(await ask(runner)).toEqual({ output: 'b' });
    await vi.advanceTimersByTimeAsync(1);
    expect(await ask(runner)).toEqual({ output: 'a' });
  });

  test('is not called while all are unavailable; the error has the shortest wait', async () => {
    const a = scripted('a', failure('connection'));
    const b = scripted('b', failure('rate_limited', { retryAfterMs: 5_000 }));
    const runner = fallback([a, b], { failureThreshold: 1, resetTimeoutMs: 8_000 });
    await errorOf(ask(runner));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await errorOf(ask(runner))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 4_000,
      tries: 1,
      message: expect.stringContaining('"b" (rate_limited): unavailable for 4,000 ms at its own'),
    });
    expect([a.contexts, b.contexts].map(({ length }) => length)).toEqual([1, 1]);
  });
});

test('each runner gets as many tries as leave one for each of the others', async () => {
  const runners = ['a', 'b', 'c'].map((name) => scripted(name, failure('refused', { tries: 2 })));
  const given = async (left: Partial<RunContext>) => {
    for (const { contexts } of runners) contexts.length = 0;
    await errorOf(ask(fallback(runners), attempt(left)));
    return runners.flatMap(({ contexts }) => contexts.map(({ attemptsLeft }) => attemptsLeft));
  };
  expect(await given({ attempt: 1, attemptsLeft: 9 })).toEqual([7, 6, 5]);
  expect(await given({ attempt: 2, attemptsLeft: 5 })).toEqual([3, 2, 1]);
  expect(await given({ attempt: 2, attemptsLeft: 4 })).toEqual([2, 1]);
  expect(await given({ attempt: 1, attemptsLeft: 1 })).toEqual([1, 1, 1]);
});

test('each runner gets its own idempotency key', async () => {
  const runners = ['a', 'b', 'c'].map((name) => scripted(name, failure('refused')));
  await errorOf(ask(fallback(runners), attempt({ idempotencyKey: 'run/a/1' })));
  const keys = runners.map(({ contexts }) => contexts[0]?.idempotencyKey);
  expect(keys).toEqual(['run/a/1', 'run/a/1/2', 'run/a/1/3']);
});

describe('its properties', () => {
  const task: Task = { id: 't', description: 'x' };

  test('are derived from the wrapped runners', () => {
    const [a, b] = [
      { ...scripted('a'), settings: { model: 'm' }, resource: 'a/m', supportsTools: true },
      { ...scripted('b'), supportsTools: true },
    ];
    expect(fallback(a, b)).toMatchObject({
      name: 'fallback(a, b)',
      resource: 'fallback(a/m, b)',
      settings: { fallback: [{ name: 'a', settings: { model: 'm' } }, { name: 'b' }] },
      supportsTools: true,
    });
    expect(fallback(a, scripted('c')).supportsTools).toBe(false);
    const depends = fallback({ ...b, resource: ({ id }: Task) => `b/${id}` }, a);
    expect((depends.resource as (task: Task) => string)(task)).toBe('fallback(b/t, a/m)');
  });
});

describe('is refused:', () => {
  const a = scripted('a');
  test.each<[string, readonly unknown[], RegExp]>([
    ['no runner', [], /takes runners, or a list/],
    ['an empty list', [[]], /takes runners, or a list/],
    ['more than options', [[a], {}, a], /takes runners, or a list/],
    ['what is no runner', [a, {}], /runner 2 must be a TaskRunner/],
    ['an unknown option', [[a], { failurethreshold: 1 }], /Did you mean "failureThreshold"/],
    ['an unknown code', [[a], { on: ['rate_limit'] }], /on has the unknown code "rate_limit"/],
    ['codes that are no list', [[a], { on: 'refused' }], /must be a list/],
    ['a limit of none', [[a], { failureThreshold: 0 }], /failureThreshold must be/],
    ['no time', [[a], { resetTimeoutMs: 0 }], /resetTimeoutMs must be/],
  ])('%s', (_, given, message) => {
    const make = fallback as (...given: readonly unknown[]) => unknown;
    expect(() => make(...given)).toThrow(OptionError);
    expect(() => make(...given)).toThrow(message);
  });
});
