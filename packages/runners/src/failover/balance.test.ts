import { createExecutor, OptionError, RunnerError, type TaskRunner } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, inOrder, request } from '../../test/attempt.js';
import { failure, pause, scripted } from '../../test/scripted.js';
import { balance } from './balance.js';

describe('a balance()', () => {
  const create = () => balance([simulated({ latencyMs: 1 }), simulated({ latencyMs: 2 })]);
  const cases = runnerConformance(create, {
    failing: () => balance([scripted('a', failure('overloaded'))]),
    hanging: () => balance([simulated({ latencyMs: 1e6 })]),
  });
  for (const { name, run } of cases) test(name, run);
});

describe('among balanced runners,', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const ask = (runner: TaskRunner, context = attempt()) => runner.run(request('Why?'), context);
  /** Answers after a time with its name. */
  const slow = (name: string, ms = 1_000) =>
    scripted(name, async () => {
      await pause(ms);
      return { output: name };
    });
  const counts = (...runners: ReturnType<typeof scripted>[]) =>
    runners.map(({ contexts }) => contexts.length);
  /** Which runner answers each of so many requests, one after another. */
  const inTurn = async (runner: TaskRunner, count: number) => {
    const outputs: unknown[] = [];
    for (let index = 0; index < count; index++) {
      outputs.push((await ask(runner).catch((error) => ({ output: error.code }))).output);
    }
    return outputs.join('');
  };

  describe('a request goes to', () => {
    test('the runner with the fewest in flight', async () => {
      const [a, b] = [slow('a', 100), slow('b', 1_000)];
      const runner = balance([a, b]);
      const first = [ask(runner), ask(runner)];
      expect(counts(a, b)).toEqual([1, 1]);
      await vi.advanceTimersByTimeAsync(100);
      const next = [ask(runner), ask(runner), ask(runner)];
      expect(counts(a, b)).toEqual([3, 2]);
      await vi.advanceTimersByTimeAsync(2_000);
      await Promise.all([...first, ...next]);
    });

    test('the runner with the fewest in flight for its weight', async () => {
      const [a, b] = [slow('a'), slow('b')];
      const runner = balance([a, { runner: b, weight: 3 }]);
      const asked = Promise.all(Array.from({ length: 40 }, () => ask(runner)));
      expect(counts(a, b)).toEqual([10, 30]);
      await vi.advanceTimersByTimeAsync(1_000);
      await asked;
    });

    test('the runner with the fewest requests so far for its weight, when none is busy', async () => {
      const runner = balance([scripted('a'), { runner: scripted('b'), weight: 2 }]);
      expect(await inTurn(runner, 9)).toBe('abbabbabb');
    });

    test('one runner, once, with the context unchanged', async () => {
      const a = scripted('a', failure('connection'));
      const b = scripted('b');
      const context = attempt();
      await expect(ask(balance([a, b]), context)).rejects.toMatchObject({ code: 'connection' });
      expect(a.contexts).toEqual([context]);
      expect(b.contexts).toEqual([]);
      expect(context.emitted).toEqual([]);
    });
  });

  describe('it skips', () => {
    test('a runner that keeps failing, until one request finds that it works again', async () => {
      const bad = failure('server_error');
      const a = scripted('a', bad, bad, { output: 'a' });
      const runner = balance([a, scripted('b')], { failureThreshold: 2, resetTimeoutMs: 1_000 });
      expect(await inTurn(runner, 6)).toBe('server_errorbserver_errorbbb');
      await vi.advanceTimersByTimeAsync(999);
      expect(await inTurn(runner, 2)).toBe('bb');
      await vi.advanceTimersByTimeAsync(1);
      // Both have had the same for what was theirs to have, so they take turns again.
      expect(await inTurn(runner, 4)).toBe('abab');
    });

    test('a runner that has asked to wait, until then', async () => {
      const a = scripted('a', failure('rate_limited', { retryAfterMs: 500 }), { output: 'a' });
      const runner = balance([a, scripted('b')]);
      expect(await inTurn(runner, 4)).toBe('rate_limitedbbb');
      await vi.advanceTimersByTimeAsync(500);
      expect(await inTurn(runner, 2)).toBe('ab');
    });

    test('a runner whose server announced an exhausted limit, until its reset', async () => {
      const rateLimits = { tokens: { limit: 100, remaining: 0, resetMs: 300 } };
      const a = scripted('a', { output: 'a', rateLimits }, { output: 'a' });
      const refused = scripted('c', failure('refused', { rateLimits }), { output: 'c' });
      const runner = balance([a, refused, scripted('b')]);
      expect(await inTurn(runner, 5)).toBe('arefusedbbb');
      await vi.advanceTimersByTimeAsync(300);
      expect(await inTurn(runner, 3)).toBe('acb');
    });
  });

  test('when all are unavailable, the first to recover is called', async () => {
    const limited = (retryAfterMs: number) => failure('rate_limited', { retryAfterMs });
    const [a, b] = [scripted('a', limited(900)), scripted('b', limited(400), { output: 'b' })];
    const runner = balance([a, b]);
    expect(await inTurn(runner, 4)).toBe('rate_limitedrate_limitedbb');
    await vi.advanceTimersByTimeAsync(900);
    expect(counts(a, b)).toEqual([1, 3]);
  });

  describe('an error', () => {
    test('has a retryAfterMs only while all are unavailable: the shortest wait', async () => {
      const limited = (retryAfterMs: number) => failure('rate_limited', { retryAfterMs });
      const first = limited(900);
      const runner = balance([scripted('a', first), scripted('b', limited(2_000))]);
      const error = await ask(runner).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(RunnerError);
      expect(error).toMatchObject({ code: 'rate_limited', message: first.message, cause: first });
      expect(error.retryAfterMs).toBeUndefined();
      await vi.advanceTimersByTimeAsync(100);
      await expect(ask(runner)).rejects.toMatchObject({ retryAfterMs: 800 });
    });

    test('is passed on unchanged when there is nothing to change', async () => {
      const thrown = failure('refused');
      await expect(ask(balance([scripted('a', thrown)]))).rejects.toBe(thrown);
      const foreign = new TypeError('oops');
      await expect(ask(balance([scripted('a', foreign)]))).rejects.toBe(foreign);
    });
  });

  test('in a run, a task that one runner fails is done by another, and nothing pauses', async () => {
    const a = scripted('a', failure('rate_limited', { retryAfterMs: 60_000 }));
    const [b, c] = [slow('b', 50), slow('c', 50)];
    const tasks = Array.from({ length: 30 }, (_, id) => ({ id: `${id}`, description: 'Why?' }));
    const executor = createExecutor({ strategy: inOrder, runner: balance([a, b, c]) });
    const run = executor.execute({ goal: 'x', tasks });
    await vi.advanceTimersByTimeAsync(5_000);
    const { status, timeline } = await run;
    expect(status).toBe('completed');
    expect(timeline.some(({ type }) => type === 'resource_paused')).toBe(false);
    const [failed = 0, ...answered] = counts(a, b, c);
    expect(failed).toBeLessThanOrEqual(6);
    expect(answered).toEqual([15, 15]);
  });

  test('its properties are derived from the wrapped runners', () => {
    const a = { ...scripted('a'), resource: 'a/m', settings: { model: 'm' }, supportsTools: true };
    expect(balance([a, { runner: { ...a, resource: 'a/n' } }])).toMatchObject({
      name: 'balance(a)',
      resource: 'balance(a/m, a/n)',
      settings: { balance: [{ name: 'a', settings: { model: 'm' } }, { name: 'a' }] },
      supportsTools: true,
    });
    expect(balance([a, scripted('b')]).supportsTools).toBe(false);
  });

  describe('is refused:', () => {
    const a = scripted('a');
    test.each<[string, unknown, unknown, RegExp]>([
      ['no runner', [], {}, /list of at least one runner/],
      ['no list', a, {}, /list of at least one runner/],
      ['what is no runner', [a, 7], {}, /runner 2 must be a TaskRunner/],
      ['what is no weighted runner', [{ runner: {} }], {}, /runner 1 must be a TaskRunner/],
      ['an unknown field', [{ runner: a, wieght: 2 }], {}, /Did you mean "weight"/],
      ['a weight of none', [{ runner: a, weight: 0 }], {}, /weight must be a number above 0/],
      ['an unknown option', [a], { weight: 2 }, /no option "weight"/],
      ['a limit of none', [a], { failureThreshold: 0 }, /failureThreshold must be/],
    ])('%s', (_, runners, options, message) => {
      expect(() => balance(runners as never, options as never)).toThrow(OptionError);
      expect(() => balance(runners as never, options as never)).toThrow(message);
    });
  });
});
