import { OptionError, type RunContext, RunnerError, type TaskRunner } from '@stratagem/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../../test/attempt.js';
import { createLimiter, type Limiter } from './limiter.js';
import type { LimiterOptions } from './limiter-options.js';
import { rateLimit } from './rate-limit.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A runner whose requests end when a test says so. */
function manual() {
  const sent: { at: number; prompt: string; context: RunContext }[] = [];
  const ends: { resolve: (output?: object) => void; reject: (thrown: unknown) => void }[] = [];
  const runner: TaskRunner = {
    name: 'manual',
    run({ prompt }, context) {
      sent.push({ at: performance.now() - began, prompt, context });
      return new Promise((resolve, reject) => {
        ends.push({ resolve: (output = {}) => resolve({ output: prompt, ...output }), reject });
      });
    },
  };
  const began = performance.now();
  return { runner, sent, ends, times: () => sent.map(({ at }) => Math.round(at)) };
}

function ask(runner: TaskRunner, count: number, given: Partial<RunContext> = {}) {
  return Array.from({ length: count }, (_, index) => {
    const context = attempt(given);
    const answer = runner.run(request(`${index}`), context);
    // A test that expects a failure says so itself.
    answer.catch(() => {});
    return { answer, context };
  });
}

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('requests', () => {
  test('are sent at the permitted pace, first come, first served', async () => {
    const { runner, sent, times } = manual();
    ask(rateLimit(runner, { requestsPerMinute: 60 }), 4);
    await tick(10_000);
    expect(sent.map(({ prompt }) => prompt)).toEqual(['0', '1', '2', '3']);
    expect(times()).toEqual([0, 771, 1_791, 2_812]);
  });

  test('start at once as far as burstMs permits', async () => {
    const { runner, times } = manual();
    ask(rateLimit(runner, { requestsPerMinute: 60, burstMs: 10_000 }), 11);
    await tick(10_000);
    expect(times().filter((time) => time === 0)).toHaveLength(10);
  });

  test('never exceed maxConcurrent', async () => {
    const { runner, sent, ends } = manual();
    const limiter = createLimiter({ maxConcurrent: 2 });
    ask(rateLimit(runner, limiter), 5);
    await tick();
    expect(sent).toHaveLength(2);
    expect(limiter).toMatchObject({ inFlight: 2, waiting: 3 });
    ends[1]?.resolve();
    ends[0]?.reject(new Error('no'));
    await tick();
    expect(sent).toHaveLength(4);
    expect(limiter).toMatchObject({ inFlight: 2, waiting: 1 });
  });

  test('wait for tokens, which are estimated and then corrected by the usage', async () => {
    const { runner, sent, ends, times } = manual();
    const limited = rateLimit(runner, { tokensPerMinute: 6_000 });
    ask(limited, 3);
    await tick();
    expect(sent).toHaveLength(1);
    // It was thought to take 501.
    ends[0]?.resolve({ usage: { inputTokens: 50, outputTokens: 50 } });
    await tick(5_000);
    expect(times()[1]).toBeLessThan(1_200);
    ends[1]?.resolve({ usage: { inputTokens: 50, outputTokens: 950 } });
    await tick(5_000);
    expect(sent).toHaveLength(2);
    await tick(5_000);
    expect(times()[2]).toBeGreaterThan(10_000);
  });

  test.each([
    [{ inputTokensPerMinute: 6_000 }, { inputTokens: 1_000, outputTokens: 1 }],
    [{ outputTokensPerMinute: 6_000 }, { inputTokens: 1, outputTokens: 1_000 }],
    [
      { inputTokensPerMinute: 6_000 },
      { inputTokens: 9_000, cachedInputTokens: 8_000, outputTokens: 1 },
    ],
  ])('wait for %j when %j were used', async (options: LimiterOptions, usage) => {
    const { runner, ends, times } = manual();
    const limited = rateLimit(runner, options);
    ask(limited, 1);
    await tick();
    ends[0]?.resolve({ usage });
    await tick();
    ask(limited, 1);
    await tick(60_000);
    expect(times()[1]).toBeGreaterThan(9_500);
    expect(times()[1]).toBeLessThan(10_500);
  });

  test('are estimated from the usage of earlier requests', async () => {
    const { runner, sent, ends } = manual();
    const limited = rateLimit(runner, { tokensPerMinute: 6_000 });
    ask(limited, 1);
    await tick();
    ends[0]?.resolve({ usage: { inputTokens: 1, outputTokens: 9 } });
    await tick(1_000);
    ask(limited, 20);
    await tick(2_000);
    // Ten tokens each, where one of 500 would take five seconds.
    expect(sent).toHaveLength(21);
  });

  test('that were refused still count as sent', async () => {
    const { runner, ends, times } = manual();
    ask(rateLimit(runner, { requestsPerMinute: 60 }), 2);
    await tick();
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs: 0 }));
    await tick(10_000);
    expect(times()[1]).toBeGreaterThan(750);
  });

  test('that were refused count no tokens', async () => {
    const { runner, sent, ends } = manual();
    ask(rateLimit(runner, { tokensPerMinute: 6_000 }), 2);
    await tick();
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs: 0 }));
    await tick(1);
    expect(sent).toHaveLength(2);
  });

  test('are counted separately when an attempt makes several', async () => {
    const { runner, sent, times } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 60 });
    const [first] = ask(limited, 1);
    await tick();
    for (const step of [1, 2, 3]) sent[0]?.context.emit({ kind: 'step', step });
    expect(first?.context.emitted).toHaveLength(3);
    ask(limited, 1);
    await tick(10_000);
    // Three requests were sent, and 60 a minute are permitted.
    expect(times()[1]).toBeGreaterThan(2_500);
    expect(times()[1]).toBeLessThan(3_000);
  });

  test('wait, abort and proceed in a queue of 100,000', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let sent = 0;
    const runner: TaskRunner = {
      name: 'gate',
      async run() {
        sent++;
        await opened;
        return { output: '' };
      },
    };
    const limiter = createLimiter({ maxConcurrent: 1, tokensPerMinute: 1e12 });
    const limited = rateLimit(runner, limiter);
    const controllers = Array.from({ length: 50_000 }, () => new AbortController());
    for (const { signal } of controllers) {
      ask(limited, 1, { signal });
      ask(limited, 1);
    }
    await tick();
    expect(limiter.waiting).toBe(99_999);
    for (const controller of controllers) controller.abort();
    await tick();
    expect(limiter.waiting).toBe(50_000);
    open();
    await tick();
    expect(limiter).toMatchObject({ waiting: 0, inFlight: 0 });
    // The first of all was sent before the others of its signal left.
    expect(sent).toBe(50_001);
  });
});

describe('a limiter', () => {
  test('can be shared by several runners', async () => {
    const [one, other] = [manual(), manual()];
    const limiter = createLimiter({ requestsPerMinute: 60 });
    ask(rateLimit(one.runner, limiter), 1);
    ask(rateLimit(other.runner, limiter), 1);
    await tick(10_000);
    expect([...one.times(), ...other.times()]).toEqual([0, 771]);
  });

  test('sets no timer when nothing waits, or while only a response can free a place', async () => {
    const { runner, ends } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 60, maxConcurrent: 3 });
    ask(limited, 2);
    await tick();
    expect(vi.getTimerCount()).toBe(1);
    await tick(10_000);
    expect(vi.getTimerCount()).toBe(0);
    ask(limited, 2);
    await tick(10_000);
    expect(vi.getTimerCount()).toBe(0);
    for (const { resolve } of ends) resolve();
    await tick(10_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('sets one timer, however many requests wait', async () => {
    const { runner } = manual();
    ask(rateLimit(runner, { requestsPerMinute: 60 }), 1_000);
    await tick(3_000);
    expect(vi.getTimerCount()).toBe(1);
  });

  test('serves requests outside a run', async () => {
    const limiter = createLimiter({ maxConcurrent: 1 });
    const { signal } = new AbortController();
    const permit = await limiter.admit({ prompt: 'Why?' }, { signal, remainingMs: undefined });
    const next = limiter.admit({ prompt: 'Why?' }, { signal, remainingMs: undefined });
    permit.done({});
    permit.failed(new Error('too late'));
    await expect(next).resolves.toMatchObject({ notice: undefined });
    expect(limiter.inFlight).toBe(1);
  });
});

describe('an attempt that waits', () => {
  test('rejects at once when it is aborted, and uses no limit', async () => {
    const { runner, times } = manual();
    const limiter = createLimiter({ requestsPerMinute: 60 });
    const limited = rateLimit(runner, limiter);
    const controller = new AbortController();
    ask(limited, 1);
    const [gone] = ask(limited, 1, { signal: controller.signal });
    ask(limited, 1);
    await tick(100);
    controller.abort('over');
    await expect(gone?.answer).rejects.toMatchObject({ code: 'aborted', cause: 'over' });
    expect(limiter.waiting).toBe(1);
    await tick(10_000);
    expect(times()).toEqual([0, 771]);
  });

  test('lets smaller requests pass when it is first in the queue and aborted', async () => {
    const { runner, sent } = manual();
    const limited = rateLimit(runner, { tokensPerMinute: 6_000 });
    const controller = new AbortController();
    const { signal } = controller;
    ask(limited, 1);
    await tick(30_000);
    limited.run(request('x'.repeat(22_000)), attempt({ signal })).catch(() => {});
    ask(limited, 1);
    await tick();
    expect(sent).toHaveLength(1);
    controller.abort();
    await tick();
    expect(sent).toHaveLength(2);
  });

  test('does not start when it is aborted already', async () => {
    const { runner, sent } = manual();
    const [gone] = ask(rateLimit(runner, {}), 1, { signal: AbortSignal.abort('over') });
    await expect(gone?.answer).rejects.toMatchObject({ code: 'aborted', cause: 'over' });
    expect(sent).toHaveLength(0);
  });

  test('fails at once, with a retryAfterMs, when it cannot start before its deadline', async () => {
    const { runner } = manual();
    const limiter = createLimiter({ requestsPerMinute: 60 });
    const remainingMs = 3_000;
    const answers = ask(rateLimit(runner, limiter), 5, { remainingMs });
    await tick();
    for (const { answer } of answers.slice(4)) {
      await expect(answer).rejects.toMatchObject({
        code: 'rate_limited',
        retryAfterMs: 3_832,
        message: expect.stringContaining(
          'in 3,832 ms at the earliest, but its attempt must end in 3,000 ms',
        ),
      });
    }
    expect(limiter).toMatchObject({ inFlight: 1, waiting: 3 });
  });

  test('waits when it can start in time', async () => {
    const { runner, sent } = manual();
    ask(rateLimit(runner, { requestsPerMinute: 60 }), 3, { remainingMs: 3_000 });
    await tick(3_000);
    expect(sent).toHaveLength(3);
  });

  test('is sent even at its deadline when there is nothing to wait for', async () => {
    const { runner, sent } = manual();
    ask(rateLimit(runner, { requestsPerMinute: 60 }), 1, { remainingMs: 0 });
    await tick();
    expect(sent).toHaveLength(1);
  });

  test('fails as soon as a pause outlasts its deadline', async () => {
    const { runner, ends } = manual();
    const limiter = createLimiter({ requestsPerMinute: 60 });
    const limited = rateLimit(runner, limiter);
    ask(limited, 1);
    const [hasty] = ask(limited, 1, { remainingMs: 5_000 });
    ask(limited, 1, { remainingMs: 50_000 });
    await tick();
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs: 10_000 }));
    await tick();
    await expect(hasty?.answer).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 10_000,
    });
    expect(limiter.waiting).toBe(1);
  });

  test('fails as soon as a lower limit rules out its deadline', async () => {
    const { runner, ends } = manual();
    const limiter = createLimiter({ requestsPerMinute: 60 });
    const limited = rateLimit(runner, limiter);
    ask(limited, 1);
    const [first, second] = ask(limited, 2, { remainingMs: 12_000 });
    await tick();
    ends[0]?.resolve({ rateLimits: { requests: { limit: 6 } } });
    await tick();
    await expect(second?.answer).rejects.toMatchObject({ code: 'rate_limited' });
    expect(limiter.waiting).toBe(1);
    await tick(12_000);
    ends[1]?.resolve();
    await expect(first?.answer).resolves.toBeDefined();
  });
});

describe('a long wait is logged as a notice', () => {
  const notices = (asked: ReturnType<typeof ask>) =>
    asked.flatMap(({ context }) => context.emitted);

  test('that names the limit', async () => {
    const { runner } = manual();
    const asked = ask(rateLimit(runner, { requestsPerMinute: 60 }), 3);
    await tick(10_000);
    expect(notices(asked)).toEqual([
      {
        kind: 'notice',
        source: 'rateLimit',
        message: 'waited 1,791 ms for the limit of 60 requests per minute',
      },
    ]);
  });

  test('when it takes at least noticeAfterMs', async () => {
    const { runner } = manual();
    const limited = (noticeAfterMs: number) =>
      ask(rateLimit(runner, { requestsPerMinute: 60, noticeAfterMs }), 3);
    const [some, none] = [limited(500), limited(Number.POSITIVE_INFINITY)];
    await tick(10_000);
    expect(notices(some)).toHaveLength(2);
    expect(notices(none)).toHaveLength(0);
  });

  test('when the request waited for others to end', async () => {
    const { runner, ends } = manual();
    const asked = ask(rateLimit(runner, { maxConcurrent: 1 }), 2);
    await tick(2_000);
    ends[0]?.resolve();
    await tick();
    expect(notices(asked)).toMatchObject([
      { message: 'waited 2,000 ms for the limit of 1 request at once' },
    ]);
  });

  test('when the request waited for a server that had refused one', async () => {
    const { runner, ends } = manual();
    const asked = ask(rateLimit(runner, { requestsPerMinute: 60 }), 2);
    await tick();
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs: 5_000 }));
    await tick(10_000);
    expect(notices(asked)).toMatchObject([
      {
        message: 'waited 5,000 ms for the server, which had refused a request',
        code: 'rate_limited',
      },
    ]);
  });
});

describe('the feedback of the server', () => {
  test('lowers the limit', async () => {
    const { runner, ends, times } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 600 });
    ask(limited, 1);
    await tick(1_000);
    ends[0]?.resolve({ rateLimits: { requests: { limit: 60 } } });
    await tick();
    ask(limited, 3);
    await tick(10_000);
    expect(times()).toEqual([0, 1_000, 1_771, 2_791]);
  });

  test('is applied from refusals as well, and then explains them', async () => {
    const { runner, ends, times } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 600 });
    ask(limited, 1);
    await tick(1_000);
    const rateLimits = { requests: { limit: 60 } };
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { rateLimits, retryAfterMs: 0 }));
    await tick();
    ask(limited, 3);
    await tick(10_000);
    expect(times().at(-1)).toBe(2_791);
  });

  test('pauses every start after a refusal, and lowers the pace', async () => {
    const { runner, ends, times } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 60 });
    ask(limited, 1);
    await tick();
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs: 4_000 }));
    await tick();
    ask(limited, 4);
    await tick(20_000);
    const [, second, , fourth, fifth] = times() as [number, number, number, number, number];
    expect(second).toBe(4_000);
    expect(fifth - fourth).toBeGreaterThan(1_100);
  });

  test('may ask for a longer wait than a timer can be set for', async () => {
    const { runner, ends, sent } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 60 });
    ask(limited, 1);
    await tick();
    const days = 24 * 60 * 60_000;
    ends[0]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs: 40 * days }));
    await tick();
    ask(limited, 1);
    const began = Date.now();
    // Not at once, as for a timer that is set for too long.
    await vi.advanceTimersToNextTimerAsync();
    expect(Date.now() - began).toBe(2 ** 31 - 1);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersToNextTimerAsync();
    expect(Date.now() - began).toBe(40 * days);
    expect(sent).toHaveLength(2);
  });

  test('may be missing', async () => {
    const limiter = createLimiter({ maxConcurrent: 1 });
    const runner = { name: 'silent', run: () => Promise.resolve() } as unknown as TaskRunner;
    const [first, second] = ask(rateLimit(runner, limiter), 2);
    await expect(first?.answer).resolves.toBeUndefined();
    await expect(second?.answer).resolves.toBeUndefined();
    expect(limiter.inFlight).toBe(0);
  });

  test('may be invalid', async () => {
    const { runner, ends, sent } = manual();
    const limited = rateLimit(runner, { requestsPerMinute: 600, tokensPerMinute: 10_000 });
    ask(limited, 3);
    await tick(20_000);
    const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 'many' };
    ends[0]?.resolve({ rateLimits: { requests: null }, usage });
    ends[1]?.resolve({ rateLimits: 7, usage: null });
    ends[2]?.reject({ code: 'rate_limited', retryAfterMs: 1e9 });
    ask(limited, 1);
    await tick(20_000);
    const retryAfterMs = Number.POSITIVE_INFINITY;
    ends[3]?.reject(new RunnerError('rate_limited', 'no', { retryAfterMs }));
    await tick();
    ask(limited, 3);
    await tick(60_000);
    expect(sent).toHaveLength(7);
  });

  test('is not confused with the errors of an inner limiter', async () => {
    const { runner, sent } = manual();
    const inner = rateLimit(runner, { requestsPerMinute: 1 });
    const outer = rateLimit(inner, { requestsPerMinute: 600 });
    ask(outer, 1);
    await tick();
    const [late] = ask(outer, 1, { remainingMs: 1_000 });
    await expect(late?.answer).rejects.toMatchObject({ code: 'rate_limited' });
    const second = manual();
    const limiter: Limiter = createLimiter({ requestsPerMinute: 600 });
    const nested = rateLimit(inner, limiter);
    const [refused] = ask(nested, 1, { remainingMs: 1_000 });
    await expect(refused?.answer).rejects.toMatchObject({ code: 'rate_limited' });
    ask(rateLimit(second.runner, limiter), 1);
    await tick();
    expect(second.sent).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });
});

describe('the limited runner', () => {
  test('has the properties of the inner runner', () => {
    const inner: TaskRunner = {
      name: 'inner',
      resource: 'server',
      settings: { model: 'a-model' },
      supportsTools: true,
      run: async () => ({ output: 1 }),
    };
    expect(rateLimit(inner, {})).toMatchObject({ ...inner, run: expect.any(Function) });
  });

  test('returns what the inner runner returns, and throws what it throws', async () => {
    const { runner, ends } = manual();
    const [good, bad] = ask(rateLimit(runner, {}), 2);
    await tick();
    const error = new Error('no');
    ends[0]?.resolve({ model: 'a-model' });
    ends[1]?.reject(error);
    await expect(good?.answer).resolves.toEqual({ output: '0', model: 'a-model' });
    await expect(bad?.answer).rejects.toBe(error);
  });

  test.each([
    [() => rateLimit({} as TaskRunner, {}), 'rateLimit(): its first argument must be a TaskRunner'],
    [() => rateLimit(manual().runner, { rpm: 1 } as LimiterOptions), 'rateLimit() has no option'],
    [
      () => rateLimit(manual().runner, undefined as unknown as LimiterOptions),
      'rateLimit() takes an object of options',
    ],
  ])('%s is an error', (create, message) => {
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });
});
