import {
  createExecutor,
  OptionError,
  type RunContext,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { attempt, inOrder, request } from '../../test/attempt.js';
import { failure, type Outcome, pause, scripted } from '../../test/scripted.js';
import { type HedgeOptions, hedge } from './hedge.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const ALWAYS = { afterMs: 100, maxExtraShare: 1 } satisfies HedgeOptions;
const usage = (inputTokens: number, outputTokens = 0) => ({ inputTokens, outputTokens });

/** Comes to this end after a time, or when it is stopped. */
function after(ms: number, end: Outcome): Outcome {
  return async (asked, context) => {
    await pause(ms, context.signal);
    if (end instanceof Error) throw end;
    return typeof end === 'function' ? end(asked, context) : end;
  };
}

/** Emits each of these texts at its time, and answers with all of them. */
function writes(...pieces: readonly (readonly [number, string])[]): Outcome {
  return async (_, { emit, signal }) => {
    let now = 0;
    for (const [at, piece] of pieces) {
      await pause(at - now, signal);
      now = at;
      await emit(piece);
    }
    return { output: pieces.map(([, piece]) => piece).join('') };
  };
}

/** What comes of a request, and when. */
async function ask(runner: TaskRunner, context: RunContext = attempt(), asked = request('Why?')) {
  const began = performance.now();
  const settled = runner.run(asked, context).then(
    (output) => ({ output, tookMs: performance.now() - began }),
    (error) => ({ error, tookMs: performance.now() - began }),
  );
  await vi.advanceTimersByTimeAsync(10_000);
  return (await settled) as { output?: unknown; error?: Error; tookMs: number };
}

const isNotice = (part: unknown) => typeof part === 'object';
const textsOf = (parts: readonly unknown[]) => parts.filter((part) => !isNotice(part));
const messagesOf = (parts: readonly unknown[]) =>
  parts.filter(isNotice).map((part) => (part as { message: string }).message);

describe('a second request', () => {
  test('is not sent when the first one succeeds or fails in time', async () => {
    const answer = { output: 'a' };
    const quick = scripted('a', after(99, answer));
    expect((await ask(hedge(quick, ALWAYS))).output).toBe(answer);
    expect(quick.contexts).toHaveLength(1);
    const thrown = failure('connection');
    const broken = scripted('a', after(99, thrown));
    expect(await ask(hedge(broken, ALWAYS))).toEqual({ error: thrown, tookMs: 99 });
    expect(broken.contexts).toHaveLength(1);
  });

  test('leaves no timer when it is not needed', async () => {
    await hedge(scripted('a'), ALWAYS).run(request('Why?'), attempt());
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not sent when the first one has begun to respond, however long it takes', async () => {
    const a = scripted('a', writes([50, 'Let '], [9_000, 'me.']));
    const context = attempt();
    expect(await ask(hedge(a, ALWAYS), context)).toEqual({
      output: { output: 'Let me.' },
      tookMs: 9_000,
    });
    expect(a.contexts).toHaveLength(1);
    expect(context.emitted).toEqual(['Let ', 'me.']);
  });

  test('has the same content, and goes to the same runner or to another', async () => {
    const a = scripted('a', after(1_000, { output: 1 }), after(50, { output: 2 }));
    expect(await ask(hedge(a, ALWAYS))).toEqual({ output: { output: 2 }, tookMs: 150 });
    expect(a.requests[1]).toEqual(a.requests[0]);
    const [slow, b] = [scripted('a', after(1_000, { output: 'a' })), scripted('b')];
    const context = attempt();
    const { output } = await ask(hedge(slow, { ...ALWAYS, to: b }), context);
    expect(output).toEqual({ output: 'b' });
    expect(context.emitted).toEqual([
      {
        kind: 'notice',
        source: 'hedge',
        message: 'no output from "a" within 100 ms; sending a second request to "b"',
      },
      { kind: 'notice', source: 'hedge', message: 'the second request, to "b", responded first' },
    ]);
  });

  test('is not sent for an attempt that was aborted meanwhile', async () => {
    const a = scripted('a', () => new Promise<never>(() => {}));
    const control = new AbortController();
    void hedge(a, ALWAYS).run(request('Why?'), attempt({ signal: control.signal }));
    control.abort();
    await vi.advanceTimersByTimeAsync(200);
    expect(a.contexts).toHaveLength(1);
  });
});

describe('of two requests', () => {
  test('the first that responds wins, and the other is aborted', async () => {
    const a = scripted('a', after(500, { output: 1 }), after(1_000, { output: 2 }));
    expect(await ask(hedge(a, ALWAYS))).toEqual({ output: { output: 1 }, tookMs: 500 });
    const [first, second] = a.contexts.map(({ signal }) => signal);
    expect(first?.aborted).toBe(false);
    expect(second?.reason).toMatchObject({ code: 'aborted' });
  });

  test('the first that emits text wins, and only its text is emitted', async () => {
    const stubborn: Outcome = async (_, { emit }) => {
      for (const piece of ['one ', 'two ', 'three']) {
        await pause(150);
        await emit(piece);
        await emit({ kind: 'notice', source: 'a', message: 'still there' });
      }
      return { output: 'one two three' };
    };
    const b = scripted('b', writes([20, 'eins '], [200, 'zwei '], [400, 'drei']));
    const context = attempt();
    const runner = hedge(scripted('a', stubborn), { ...ALWAYS, to: b });
    expect(await ask(runner, context)).toEqual({
      output: { output: 'eins zwei drei' },
      tookMs: 500,
    });
    expect(textsOf(context.emitted)).toEqual(['eins ', 'zwei ', 'drei']);
    expect(messagesOf(context.emitted)).toHaveLength(2);
    expect(messagesOf(context.emitted).at(-1)).toBe('the second request, to "b", responded first');
    // It is decided before the first word.
    expect(context.emitted.indexOf('eins ')).toBe(2);
  });

  test('an empty text and a notice do not count as a response', async () => {
    const waits: Outcome = async (_, { emit, signal }) => {
      emit('');
      emit({ kind: 'notice', source: 'rateLimit', message: 'waited' });
      await pause(1_000, signal);
      return { output: 1 };
    };
    const context = attempt();
    const runner = hedge(scripted('a', waits), { ...ALWAYS, to: scripted('b') });
    expect((await ask(runner, context)).output).toEqual({ output: 'b' });
    expect(messagesOf(context.emitted)[0]).toBe('waited');
  });

  test('when one fails, the other decides', async () => {
    const broken = failure('server_error', { usage: usage(5) });
    const a = after(200, broken);
    const late = after(500, { output: 'late', usage: usage(10, 7) });
    const expected = { output: 'late', usage: usage(15, 7) };
    const first = await ask(hedge(scripted('x', a, late), ALWAYS));
    expect(first).toEqual({ output: expected, tookMs: 600 });
    const second = await ask(hedge(scripted('x', late, a), ALWAYS));
    expect(second).toEqual({ output: expected, tookMs: 500 });
  });

  test('one that has failed cannot win any more', async () => {
    const babbling: Outcome = async (_, { emit }) => {
      setTimeout(() => emit('too late'), 250);
      await pause(200);
      throw failure('timeout');
    };
    const b = scripted('b', writes([300, 'b']));
    const context = attempt();
    const runner = hedge(scripted('a', babbling), { ...ALWAYS, to: b });
    expect((await ask(runner, context)).output).toEqual({ output: 'b' });
    expect(textsOf(context.emitted)).toEqual(['b']);
  });

  test('both failures are in the error, and count as two tries', async () => {
    const a = scripted('a', after(200, failure('rate_limited', { retryAfterMs: 70 })));
    const b = scripted('b', after(50, failure('refused', { tries: 2, usage: usage(3) })));
    const { error, tookMs } = await ask(hedge(a, { ...ALWAYS, to: b }));
    expect(tookMs).toBe(200);
    expect(error).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 70,
      tries: 3,
      usage: usage(3),
      message:
        'no runner succeeded. "a" (rate_limited): it was rate_limited; ' +
        '"b" (refused): it was refused',
    });
  });

  test('a failure of the one that had begun to respond fails the attempt', async () => {
    const breaks: Outcome = async (_, { emit, signal }) => {
      await pause(50, signal);
      emit('But ');
      await pause(50, signal);
      throw failure('connection');
    };
    const a = scripted('a', after(2_000, { output: 'a' }));
    const context = attempt();
    const runner = hedge(a, { ...ALWAYS, to: scripted('b', breaks) });
    const { error, tookMs } = await ask(runner, context);
    expect(error).toMatchObject({ code: 'connection', tries: 2 });
    expect(tookMs).toBe(200);
    expect(textsOf(context.emitted)).toEqual(['But ']);
  });

  test('an output that does not match the schema counts as a failure', async () => {
    const a = scripted('a', after(150, { output: 'x' }), after(300, { output: 7 }));
    const check = async (answer: unknown) => (answer === 7 ? undefined : 'it is no number');
    const asked = { ...request('How many?'), check };
    expect((await ask(hedge(a, ALWAYS), attempt(), asked)).output).toEqual({ output: 7 });
  });

  test('the known tokens of both are added up', async () => {
    const stopped: Outcome = async (_, { signal }) => {
      await pause(1_000, signal).catch(() => {});
      throw failure('aborted', { usage: usage(20), costUsd: 0.02 });
    };
    const done: Outcome = after(10, { output: 1, usage: usage(30, 5), costUsd: 0.03 });
    expect((await ask(hedge(scripted('a', stopped, done), ALWAYS))).output).toEqual({
      output: 1,
      usage: usage(50, 5),
      costUsd: 0.05,
    });
    const silent: Outcome = () => new Promise<never>(() => {});
    expect((await ask(hedge(scripted('a', silent, done), ALWAYS))).output).toEqual({
      output: 1,
      usage: usage(30, 5),
      costUsd: 0.03,
    });
  });

  test('both are aborted with the attempt', async () => {
    const a = scripted('a', after(5_000, { output: 1 }));
    const control = new AbortController();
    const answer = hedge(a, ALWAYS).run(request('Why?'), attempt({ signal: control.signal }));
    const failed = expect(answer).rejects.toMatchObject({ code: 'aborted' });
    await vi.advanceTimersByTimeAsync(200);
    control.abort();
    await failed;
    expect(a.contexts.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });
});

describe('of actions that must happen once,', () => {
  // The module that calls tools is loaded with the first call, in real time.
  beforeEach(async () => {
    vi.useRealTimers();
    const inputSchema = z.object({});
    const noop = tool({ name: 'noop', description: 'x', inputSchema, execute: () => {} });
    const calling: Outcome = async ({ tools }) => ({ output: await tools?.[0]?.call({}) });
    const runner = { ...scripted('x', calling), supportsTools: true };
    const tasks = [{ id: 't', description: 'x', tools: [noop] }];
    await createExecutor({ strategy: inOrder, runner }).execute({ goal: 'x', tasks });
    vi.useFakeTimers();
  });

  test('a tool is called only for the winner', async () => {
    const calls: unknown[] = [];
    const pay = tool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({ to: z.string() }),
      execute: ({ to }) => void calls.push(to),
    });
    const errors: unknown[] = [];
    const paying = (to: string): Outcome => {
      return async ({ tools }) => {
        await pause(150);
        try {
          await tools?.[0]?.call({ to });
        } catch (thrown) {
          errors.push(thrown);
          throw thrown;
        }
        await pause(300);
        return { output: to };
      };
    };
    const a = { ...scripted('x', paying('a'), paying('b')), supportsTools: true };
    const executor = createExecutor({ strategy: inOrder, runner: hedge(a, ALWAYS) });
    const tasks = [{ id: 't', description: 'Pay.', tools: [pay] }];
    const run = executor.execute({ goal: 'x', tasks });
    await vi.advanceTimersByTimeAsync(1_000);
    const { outputs, timeline } = await run;
    expect(outputs).toEqual({ t: 'a' });
    expect(calls).toEqual(['a']);
    expect(errors).toMatchObject([{ code: 'aborted' }]);
    expect(timeline.filter((event) => 'kind' in event && event.kind === 'tool_call')).toHaveLength(
      1,
    );
  });

  test('tasks are added only by the winner', async () => {
    const adding: Outcome = async (_, { addTasks }) => {
      await pause(150);
      addTasks([{ id: 'more', run: () => 1 }]);
      return { output: 1 };
    };
    const addTasks = vi.fn();
    const context = attempt({ addTasks });
    await ask(hedge(scripted('a', adding), ALWAYS), context);
    expect(addTasks).toHaveBeenCalledTimes(1);
  });
});

describe('a bound limits', () => {
  const slow = () => scripted('a', after(500, { output: 1 }));
  const secondsOf = async (options: HedgeOptions, count: number) => {
    const a = slow();
    const runner = hedge(a, options);
    for (let index = 0; index < count; index++) await ask(runner);
    return a.contexts.length - count;
  };

  test('the second requests to a share of all requests', async () => {
    expect(await secondsOf({ afterMs: 100 }, 9)).toBe(0);
    expect(await secondsOf({ afterMs: 100 }, 40)).toBe(4);
    expect(await secondsOf({ afterMs: 100, maxExtraShare: 0.25 }, 40)).toBe(10);
    expect(await secondsOf({ afterMs: 100, maxExtraShare: 1 }, 7)).toBe(7);
  });

  test('the tries of later attempts to those that the task has left', async () => {
    const sent = async (given: Partial<RunContext>) => {
      const a = slow();
      await ask(hedge(a, ALWAYS), attempt(given));
      return a.contexts.map(({ attemptsLeft }) => attemptsLeft);
    };
    expect(await sent({ attempt: 1, attemptsLeft: 1 })).toEqual([1, 1]);
    expect(await sent({ attempt: 2, attemptsLeft: 3 })).toEqual([2, 1]);
    expect(await sent({ attempt: 3, attemptsLeft: 1 })).toEqual([1]);
  });

  test('each idempotency key to one request', async () => {
    const a = slow();
    await ask(hedge(a, ALWAYS), attempt({ idempotencyKey: 'run/a/1' }));
    const keys = a.contexts.map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual(['run/a/1', 'run/a/1/2']);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'the total tries of a task, with maxAttempts %d',
    async (maxAttempts) => {
      const a = scripted('a', after(500, failure('server_error')));
      const executor = createExecutor({ strategy: inOrder, runner: hedge(a, ALWAYS) });
      const tasks = [{ id: 't', description: 'Why?', retry: { maxAttempts } }];
      const run = executor.execute({ goal: 'x', tasks });
      await vi.advanceTimersByTimeAsync(600_000);
      expect((await run).status).toBe('failed');
      expect(a.contexts).toHaveLength(Math.max(2, maxAttempts));
    },
  );
});

test('its properties are those of its runner', () => {
  const a = { ...scripted('a'), resource: 'a/m', settings: { model: 'm' }, supportsTools: true };
  expect(hedge(a, ALWAYS)).toMatchObject({
    name: 'a',
    resource: 'a/m',
    settings: { model: 'm' },
    supportsTools: true,
  });
  expect(hedge(scripted('c'), ALWAYS)).toMatchObject({ resource: 'c', supportsTools: undefined });
  expect(hedge(a, { ...ALWAYS, to: scripted('b') })).toMatchObject({
    name: 'hedge(a, b)',
    resource: 'a/m',
    settings: { hedge: [{ name: 'a', settings: { model: 'm' } }, { name: 'b' }] },
    supportsTools: false,
  });
});

test('it reads the values of inputs when one of its runners does', () => {
  const plain = scripted('plain');
  const reading = { ...scripted('reading'), readsInputs: true };
  expect(hedge(plain, ALWAYS).readsInputs).toBeUndefined();
  expect(hedge(reading, ALWAYS).readsInputs).toBe(true);
  expect(hedge(plain, { ...ALWAYS, to: reading }).readsInputs).toBe(true);
});

describe('is refused:', () => {
  const a = scripted('a');
  test.each<[string, unknown, unknown, RegExp]>([
    ['no runner', undefined, ALWAYS, /first argument must be a TaskRunner/],
    ['no options', a, undefined, /takes an object of options/],
    ['no time', a, {}, /afterMs must be a positive number/],
    ['an unknown option', a, { ...ALWAYS, after: 1 }, /no option "after"/],
    ['another runner that is none', a, { ...ALWAYS, to: {} }, /to must be a TaskRunner/],
    ['no share', a, { ...ALWAYS, maxExtraShare: 0 }, /above 0 and up to 1; it is 0/],
    ['more than all', a, { ...ALWAYS, maxExtraShare: 1.5 }, /above 0 and up to 1; it is 1.5/],
  ])('%s', (_, runner, options, message) => {
    expect(() => hedge(runner as never, options as never)).toThrow(OptionError);
    expect(() => hedge(runner as never, options as never)).toThrow(message);
  });
});
