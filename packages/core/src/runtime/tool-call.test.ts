import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import type { OutputPart } from '../contract/output-part.js';
import { type ToolContext, tool } from '../contract/tool.js';
import { bindTool } from './bind-tool.js';
import type { CallingAttempt } from './tool-call.js';

const city = z.object({ city: z.string(), days: z.number().default(1) });

function bind(execute: (input: z.output<typeof city>, context: ToolContext) => unknown, more = {}) {
  const controller = new AbortController();
  const parts: OutputPart[] = [];
  const context: CallingAttempt = {
    runId: 'run',
    taskId: 'a',
    priority: 0,
    criticalPath: 1,
    attempt: 1,
    idempotencyKey: 'run/task/1',
    attemptsLeft: 1,
    signal: controller.signal,
    remainingMs: undefined,
    failures: [],
    askApproval: async () => ({ approved: true }),
    toolResult: () => undefined,
    emit: (part) => void parts.push(part as OutputPart) as undefined,
    addTasks: () => {},
  };
  const definition = { name: 'weather', description: 'Weather', inputSchema: city, ...more };
  return { ...bindTool(tool({ ...definition, execute }), context), parts, controller };
}

afterEach(() => void vi.useRealTimers());

test('a runner receives the input schema of a tool', () => {
  expect(bind(() => 1).inputSchema).toMatchObject({
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  });
});

describe('a call', () => {
  test('passes the output of the schema to the tool, and is logged', async () => {
    const bound = bind(({ city, days }, { callId }) => ({ city, days, callId }));
    const result = await bound.call({ city: 'Rome' }, 'call-7');
    const output = { city: 'Rome', days: 1, callId: 'call-7' };
    expect(result).toEqual({ ok: true, output, text: JSON.stringify(output) });
    const key = expect.stringMatching(/^weather-[0-9a-f]+-1$/);
    const about = { callId: 'call-7', key, tool: 'weather' };
    expect(bound.parts).toEqual([
      { kind: 'tool_call', ...about, input: { city: 'Rome' } },
      { kind: 'tool_result', ...about, ok: true, output, durationMs: expect.any(Number) },
    ]);
  });

  test.each([
    ['an object as text', '{"city":"Rome"}', { ok: true, text: 'Rome' }],
    ['a text that is no JSON', '{"city":', { ok: false, text: expect.stringContaining('Error: ') }],
    ['an object as text in a text', '"{\\"city\\":\\"Rome\\"}"', { ok: true, text: 'Rome' }],
    [
      'nothing',
      '',
      { ok: false, message: expect.stringContaining('the input does not match the schema: city') },
    ],
    ['a wrong field', { city: 7 }, { ok: false, message: expect.stringContaining('city: ') }],
  ])('accepts %s', async (_, input, expected) => {
    expect(await bind(({ city }) => city).call(input)).toMatchObject(expected);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('no such city')), 'no such city'],
    [
      'throws at once',
      () => {
        throw new TypeError('broken');
      },
      'broken',
    ],
    ['returns what JSON cannot hold', () => 1n, 'its result cannot be written as JSON'],
  ])('of a tool that %s returns an error to the model', async (_, execute, message) => {
    const bound = bind(execute);
    const result = await bound.call({ city: 'Rome' });
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining(message) });
    expect(result.text).toBe(`Error: ${(result as { message: string }).message}`);
    expect(bound.parts[1]).toMatchObject({ kind: 'tool_result', ok: false });
  });

  test.each([
    ['nothing', undefined, 'done'],
    ['a text', 'as it is', 'as it is'],
    ['null', null, 'null'],
    ['a map', new Map([['n', 1n]]), '{"n":"1"}'],
    ['a set', [new Set([1])], '[[1]]'],
  ])('of a tool that returns %s shows the model %s', async (_, output, text) => {
    expect(await bind(() => output).call({ city: 'Rome' })).toEqual({ ok: true, output, text });
  });

  test('gets a unique id when the model gives none', async () => {
    const bound = bind((_, { callId }) => callId);
    expect([await bound.call({ city: 'a' }), await bound.call({ city: 'b' })]).toMatchObject([
      { output: 'weather-1' },
      { output: 'weather-2' },
    ]);
  });

  test('that exceeds its timeout fails, and its signal is aborted', async () => {
    vi.useFakeTimers();
    let signal: AbortSignal | undefined;
    const bound = bind(
      (_, context) => {
        signal = context.signal;
        return new Promise(() => {});
      },
      { timeoutMs: 50 },
    );
    const result = bound.call({ city: 'Rome' });
    await vi.advanceTimersByTimeAsync(50);
    expect(await result).toMatchObject({ ok: false, message: 'no result within 50 ms' });
    expect(signal?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('may have a timeout longer than a timer allows', async () => {
    vi.useFakeTimers();
    const execute = () => new Promise((resolve) => setTimeout(() => resolve('done'), 60_000));
    const result = bind(execute, { timeoutMs: 1e12 }).call({ city: 'Rome' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await result).toMatchObject({ ok: true, output: 'done' });
  });

  test('ends when the attempt is aborted, whatever the tool does', async () => {
    const bound = bind(() => new Promise(() => {}));
    const result = bound.call({ city: 'Rome' });
    await new Promise((resolve) => setTimeout(resolve, 1));
    bound.controller.abort(new Error('enough'));
    await expect(result).rejects.toMatchObject({ code: 'aborted' });
    await expect(bound.call({ city: 'Rome' })).rejects.toMatchObject({ code: 'aborted' });
  });

  test('ends before the attempt when the runner has no time left', async () => {
    const bound = bind(() => new Promise(() => {}));
    const stop = new AbortController();
    const result = bound.call({ city: 'Rome' }, 'x', stop.signal);
    stop.abort();
    await expect(result).rejects.toMatchObject({ code: 'aborted' });
  });
});

test.each([
  [{ name: 'the weather' }, 'name must have letters, digits, _ and - only, and 64 at most'],
  [{ description: ' ' }, 'the description of "weather" must tell the model what the tool does'],
  [{ inputSchema: { city: 'text' } }, 'inputSchema of "weather" must be a schema of a Standard'],
  [{ execute: 'rm' }, 'execute of "weather" must be a function'],
  [{ timeoutMs: -1 }, 'timeoutMs must be a positive number of milliseconds'],
  [{ parameters: {} }, 'tool() has no option "parameters"'],
])('tool() rejects %j', (change, message) => {
  const sound = { name: 'weather', description: 'x', inputSchema: city, execute: () => 1 };
  expect(() => tool({ ...sound, ...change } as never)).toThrow(message);
});
