import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { attempt, request, testServer } from '@stratagem/test-kit';
import { customProvider } from 'ai';
import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test';
import { afterEach, describe, expect, test } from 'vitest';
import { apiKey, callsOf, compatible, mockOf, partsOf, saying } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

const server = testServer('/v1');

describe('the answer', () => {
  test('has the text, the usage, the model, the request id and the limits', async () => {
    const headers = {
      'x-request-id': 'req_1',
      'x-ratelimit-limit-requests': '600',
      'x-ratelimit-remaining-requests': '599',
      'x-ratelimit-reset-requests': '100ms',
    };
    const context = attempt();
    const runner = aiSdk(mockOf({ text: 'Because it is so.', headers }));
    expect(await runner.run(request('Why?'), context)).toEqual({
      output: 'Because it is so.',
      usage: {
        inputTokens: 100,
        cachedInputTokens: 60,
        cacheWriteInputTokens: 10,
        outputTokens: 40,
        reasoningTokens: 25,
      },
      model: 'a-model-2026',
      requestId: 'req_1',
      rateLimits: { requests: { limit: 600, remaining: 599, resetMs: 100 } },
    });
    expect(context.emitted).toEqual(['Because', ' it is ', 'so.']);
    expect(context.parts).toEqual([]);
  });

  test('has the id of the response if no header has one, and no usage if none was sent', async () => {
    const parts = partsOf({ text: 'Because.' }).map((part) =>
      part.type === 'finish'
        ? { ...part, usage: { inputTokens: {}, outputTokens: {} } as never }
        : part,
    );
    const model = mockOf();
    model.doStream = async () => ({ stream: convertArrayToReadableStream(parts) });
    expect(await aiSdk(model).run(request('Why?'), attempt())).toEqual({
      output: 'Because.',
      model: 'a-model-2026',
      requestId: 'chat-1',
    });
  });

  test('may come from a model for an older version of the SDK', async () => {
    const model = new MockLanguageModelV3({
      doStream: async () => ({
        stream: convertArrayToReadableStream(partsOf({ text: 'Because.' }) as never[]),
      }),
    });
    const answer = await aiSdk(model).run(request('Why?'), attempt());
    expect(answer.output).toBe('Because.');
  });

  test('is not read faster than its text is consumed', async () => {
    let written = 0;
    let take = () => {};
    const model = mockOf();
    model.doStream = async () => ({
      stream: new ReadableStream({
        start: (controller) => controller.enqueue({ type: 'text-start', id: '1' }),
        pull: (controller) =>
          controller.enqueue({ type: 'text-delta', id: '1', delta: `${++written} ` }),
      }),
    });
    const controller = new AbortController();
    const emit = () => new Promise<void>((resolve) => (take = resolve));
    const context = attempt({ emit, signal: controller.signal });
    const answer = aiSdk(model).run(request('Count.'), context);
    const turns = async () => {
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    };
    // The first request loads the SDK.
    while (written === 0) await turns();
    await turns();
    const ahead = written;
    expect(ahead).toBeLessThan(50);
    await turns();
    expect(written).toBe(ahead);
    take();
    await turns();
    expect(written).toBe(ahead + 1);
    controller.abort();
    take();
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('the request', () => {
  test('has the prompt, and no option that was not set', async () => {
    const model = mockOf({ text: 'Because.' });
    await aiSdk(model).run(request('Why?'), attempt());
    const [call] = callsOf(model);
    expect(call?.prompt).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Why?' }] }]);
    for (const name of ['temperature', 'maxOutputTokens', 'tools', 'responseFormat'] as const) {
      expect(call?.[name]).toBeUndefined();
    }
  });

  test('has every option', async () => {
    const model = mockOf({ text: 'Because.' });
    const providerOptions = { test: { reasoningEffort: 'low' } };
    const options = { temperature: 0.5, maxOutputTokens: 200, providerOptions };
    const runner = aiSdk(model, { instructions: 'Be brief.', ...options });
    await runner.run(request('Why?'), attempt());
    expect(callsOf(model)[0]).toMatchObject({
      ...options,
      prompt: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }],
    });
    expect(runner.settings).toEqual({
      model: 'test.chat/a-model',
      instructions: 'Be brief.',
      ...options,
    });
  });

  test('goes over HTTP in the format of the provider', async () => {
    server.replyWith(saying({ text: 'Because.' }, { 'x-request-id': 'req_1' }));
    const runner = aiSdk(compatible(server.url), { temperature: 0 });
    expect(await runner.run(request('Why?'), attempt())).toEqual({
      output: 'Because.',
      usage: { inputTokens: 12, outputTokens: 3, cachedInputTokens: 0, reasoningTokens: 0 },
      model: 'a-model-2026',
      requestId: 'req_1',
    });
    expect(server.requests).toMatchObject([
      { path: '/v1/chat/completions', headers: { authorization: `Bearer ${apiKey}` } },
    ]);
    expect(server.requests[0]?.body).toEqual({
      model: 'a-model',
      messages: [{ role: 'user', content: 'Why?' }],
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
  });
});

describe('the runner', () => {
  test('names its model', () => {
    const runner = aiSdk(mockOf({}));
    expect(runner).toMatchObject({
      name: 'ai-sdk',
      resource: 'test.chat/a-model',
      supportsTools: true,
    });
  });

  afterEach(() => {
    globalThis.AI_SDK_DEFAULT_PROVIDER = undefined;
  });

  test('accepts the id of a model of the default provider', async () => {
    globalThis.AI_SDK_DEFAULT_PROVIDER = customProvider({
      languageModels: { 'maker/a-model': mockOf({ text: 'Because.' }) },
    });
    const runner = aiSdk('maker/a-model');
    expect(runner.resource).toBe('maker/a-model');
    expect((await runner.run(request('Why?'), attempt())).output).toBe('Because.');
    await expect(aiSdk('maker/other').run(request('Why?'), attempt())).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

test('an option that the model does not take is an error, where the SDK only warns', async () => {
  const model = mockOf({ text: 'Hi' });
  const stream = model.doStream.bind(model);
  model.doStream = async (options) => {
    const { stream: parts, ...rest } = await stream(options);
    const warnings = [{ type: 'unsupported' as const, feature: 'seed', details: 'not here' }];
    const warned = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
      transform: (part, out) =>
        out.enqueue(part.type === 'stream-start' ? { ...part, warnings } : part),
    });
    return { ...rest, stream: parts.pipeThrough(warned) };
  };
  const ask = (options: object) => aiSdk(model).run(request('Hello', { options }), attempt());
  await expect(ask({ temperature: 0 })).resolves.toMatchObject({ output: 'Hi' });
  await expect(ask({ seed: 7 })).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'test.chat/a-model does not take the option seed: not here',
  });
});
