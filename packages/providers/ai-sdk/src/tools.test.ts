import { createExecutor, createPlan, type RunEvent, tool } from '@stratagem/core';
import { inOrder, testServer } from '@stratagem/test-kit';
import { convertArrayToReadableStream } from 'ai/test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { callsOf, compatible, mockOf, partsOf, type StepReply, saying } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';
import type { AiSdkOptions } from './options.js';

const server = testServer('/v1');

const weather = tool({
  name: 'weather',
  description: 'The weather in a city, now.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => {
    if (city === 'Atlantis') throw new Error('there is no such city');
    return { city, sky: 'clear' };
  },
});

const forCity = (city: unknown) => ({ name: 'weather', input: { city } });

function runOn(model: ReturnType<typeof mockOf>, options: AiSdkOptions = {}, tools = [weather]) {
  const plan = createPlan('Trip').addTask({ id: 'a', description: 'What to pack?', tools });
  const runner = aiSdk(model, options);
  const retry = { maxAttempts: 1 };
  return createExecutor({ strategy: inOrder, runner, retry, onEvent: () => {} }).execute(plan);
}

/** The reported parts, without durations. */
function logOf(timeline: readonly RunEvent[]) {
  return timeline.flatMap((event) => {
    if (event.type !== 'task_output') return [];
    const { kind, ...part } = event as unknown as Record<string, unknown>;
    const { callId, step, text, ok, output, message, input, usage } = part;
    const shown = { kind, callId, step, text, ok, output, message, input, usage };
    return [Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined))];
  });
}

function failureIn(timeline: readonly RunEvent[]) {
  const failed = timeline.find((event) => event.type === 'task_failed');
  return failed?.type === 'task_failed' ? failed.error : undefined;
}

const step = { inputTokens: 100, cachedInputTokens: 60, cacheWriteInputTokens: 10 };
const usage = { ...step, outputTokens: 40, reasoningTokens: 25 };

afterEach(() => vi.useRealTimers());

describe('tools', () => {
  test('are called until the model answers, and each step is in the log', async () => {
    const model = mockOf({ calls: [forCity('Lisbon')] }, { text: 'Sun.' });
    const result = await runOn(model);
    expect(result.outputs).toEqual({ a: 'Sun.' });
    expect(logOf(result.timeline)).toEqual([
      { kind: 'tool_call', callId: 'call_0', input: { city: 'Lisbon' } },
      { kind: 'tool_result', callId: 'call_0', ok: true, output: { city: 'Lisbon', sky: 'clear' } },
      { kind: 'step', step: 1, usage },
      { kind: 'text', text: 'Sun.' },
      { kind: 'step', step: 2, usage },
    ]);
    expect(result.metrics.usage).toMatchObject({ inputTokens: 200, outputTokens: 80 });
    const [first, second] = callsOf(model);
    expect(first?.tools).toMatchObject([
      {
        type: 'function',
        name: 'weather',
        description: 'The weather in a city, now.',
        inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
      },
    ]);
    expect(second?.prompt.at(-1)).toMatchObject({
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'call_0',
          output: { type: 'text', value: '{"city":"Lisbon","sky":"clear"}' },
        },
      ],
    });
  });

  test('of one step run in parallel', async () => {
    const waiting: (() => void)[] = [];
    const meet = tool({
      ...weather,
      execute: () =>
        new Promise<string>((resolve) => {
          waiting.push(() => resolve('met'));
          if (waiting.length === 2) for (const go of waiting) go();
        }),
    });
    const calls = [forCity('Lisbon'), forCity('Porto')];
    const result = await runOn(mockOf({ calls }, { text: 'Sun.' }), {}, [meet as never]);
    expect(result.outputs).toEqual({ a: 'Sun.' });
  });

  test.each([
    ['that fail', forCity('Atlantis'), 'Error: there is no such city'],
    [
      'with input that does not fit',
      forCity(7),
      /^Error: the input does not match the schema: city: /,
    ],
  ])('%s are reported to the model as errors', async (_, call, told) => {
    const model = mockOf({ calls: [call] }, { text: 'Sun.' });
    const result = await runOn(model);
    expect(result.outputs).toEqual({ a: 'Sun.' });
    const [, second] = callsOf(model);
    expect(second?.prompt.at(-1)).toMatchObject({
      content: [{ output: { type: 'error-text', value: expect.stringMatching(told) } }],
    });
    expect(logOf(result.timeline)[1]).toMatchObject({ kind: 'tool_result', ok: false });
  });

  test.each([
    ['that do not exist', { name: 'wether', input: {} }, /unavailable tool 'wether'.*weather/],
    ['with input that is not JSON', { name: 'weather', input: '{"city' }, /Invalid input for tool/],
  ])('%s are reported to the model too, and are in the log', async (_, call, told) => {
    const model = mockOf({ calls: [call] }, { text: 'Sun.' });
    const result = await runOn(model);
    expect(result.outputs).toEqual({ a: 'Sun.' });
    expect(callsOf(model)[1]?.prompt.at(-1)).toMatchObject({
      content: [{ output: { type: 'error-text', value: expect.stringMatching(told) } }],
    });
    expect(logOf(result.timeline).slice(0, 2)).toEqual([
      { kind: 'tool_call', callId: 'call_0', input: call.input },
      { kind: 'tool_result', callId: 'call_0', ok: false, message: expect.stringMatching(told) },
    ]);
  });

  test('without an end fail at maxSteps, with their usage', async () => {
    const model = mockOf({ calls: [forCity('Lisbon')] });
    const result = await runOn(model, { maxSteps: 3 });
    expect(failureIn(result.timeline)).toMatchObject({
      code: 'step_limit',
      message: expect.stringContaining(
        'test.chat/a-model: the model still called tools after 3 requests; raise maxSteps',
      ),
      usage: { inputTokens: 300, outputTokens: 120 },
    });
    expect(callsOf(model)).toHaveLength(3);
  });

  test('have 20 steps by default, and any number with Infinity', async () => {
    const model = mockOf({ calls: [forCity('Lisbon')] });
    await runOn(model);
    expect(callsOf(model)).toHaveLength(20);
    const calls = Array.from({ length: 25 }, () => ({ calls: [forCity('Lisbon')] }));
    const patient = mockOf(...calls, { text: 'Sun.' });
    const result = await runOn(patient, { maxSteps: Number.POSITIVE_INFINITY });
    expect(result.outputs).toEqual({ a: 'Sun.' });
  });

  test('are aborted with the run', async () => {
    let stopped: AbortSignal | undefined;
    const hang = tool({
      ...weather,
      execute: (_, { signal }) => {
        stopped = signal;
        return new Promise(() => {});
      },
    });
    const model = mockOf({ calls: [forCity('Lisbon')] });
    const plan = createPlan('Trip').addTask({ id: 'a', description: 'Pack', tools: [hang] });
    const controller = new AbortController();
    const run = createExecutor({ strategy: inOrder, runner: aiSdk(model) }).execute(plan, {
      signal: controller.signal,
    });
    while (stopped === undefined) await new Promise(setImmediate);
    controller.abort();
    const result = await run;
    expect(result.status).toBe('canceled');
    expect(stopped.aborted).toBe(true);
    expect(callsOf(model)).toHaveLength(1);
  });

  test('that the provider runs itself are ignored', async () => {
    const own = { toolCallId: 'own', toolName: 'search', providerExecuted: true, dynamic: true };
    const parts = partsOf({ text: 'Sun.' });
    parts.splice(1, 0, { type: 'tool-call', input: '{}', ...own });
    parts.splice(2, 0, { type: 'tool-result', result: { found: 1 }, ...own });
    const model = mockOf();
    model.doStream = async () => ({ stream: convertArrayToReadableStream(parts) });
    const result = await runOn(model);
    expect(result.outputs).toEqual({ a: 'Sun.' });
    expect(logOf(result.timeline).map(({ kind }) => kind)).toEqual(['text']);
  });

  test('are aborted at the time limit of the attempt', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let stopped: AbortSignal | undefined;
    const hang = tool({
      ...weather,
      execute: (_, { signal }) => {
        stopped = signal;
        return new Promise(() => {});
      },
    });
    const run = runOn(mockOf({ calls: [forCity('Lisbon')] }), { timeoutMs: 30_000 }, [
      hang as never,
    ]);
    await vi.waitFor(() => expect(stopped).toBeDefined(), { timeout: 100_000 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(failureIn((await run).timeline)).toMatchObject({ code: 'timeout' });
    expect(stopped?.aborted).toBe(true);
  });

  test('and a correction share the limit of steps', async () => {
    const useless = { text: 'no JSON' };
    const model = mockOf({ calls: [forCity('Lisbon')] }, useless, { calls: [forCity('Porto')] });
    const task = { id: 'a', description: 'Trip', tools: [weather], outputSchema: z.object({}) };
    const runner = aiSdk(model, { maxSteps: 4 });
    const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
    const result = await executor.execute({ goal: 'Trip', tasks: [task] });
    expect(failureIn(result.timeline)).toMatchObject({ code: 'step_limit' });
    expect(callsOf(model)).toHaveLength(4);
  });

  test('go over HTTP in the format of the provider', async () => {
    const script: StepReply[] = [{ calls: [forCity('Lisbon')] }, { text: 'Sun.' }];
    server.replyWith(...script.map((said) => saying(said)));
    const result = await runOn(compatible(server.url) as never);
    expect(result.outputs).toEqual({ a: 'Sun.' });
    expect(server.requests[1]?.body.messages).toEqual([
      { role: 'user', content: 'What to pack?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_0',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Lisbon"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_0', content: '{"city":"Lisbon","sky":"clear"}' },
    ]);
  });
});
