import { inspect } from 'node:util';
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { createExecutor, createPlan, RunnerError } from '@stratagem/core';
import { attempt, inOrder, json, request, silence, testServer } from '@stratagem/test-kit';
import { APICallError } from 'ai';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chunksOf, compatible, hang, mockOf, partsOf, saying, stream } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';
import type { AiSdkOptions } from './options.js';

const server = testServer('/v1');
const label = 'test.chat/a-model';

function ask(options: AiSdkOptions = {}, context = attempt()) {
  return aiSdk(compatible(server.url), options).run(request('Why?'), context);
}

async function failureOf(work: Promise<unknown>): Promise<RunnerError> {
  const thrown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(RunnerError);
  return thrown as RunnerError;
}

const call = { url: 'https://127.0.0.1/v1', requestBodyValues: {} };
const begun = partsOf({ text: 'Because.' }).filter(({ type }) => type !== 'finish');

/** Runs on a model that streams these parts and then ends, optionally with an error. */
function streaming(parts: readonly LanguageModelV4StreamPart[], error?: Error) {
  const left = [...parts];
  const model = mockOf();
  model.doStream = async () => ({
    stream: new ReadableStream<LanguageModelV4StreamPart>({
      pull(controller) {
        const part = left.shift();
        if (part !== undefined) controller.enqueue(part);
        else if (error !== undefined) controller.error(error);
        else controller.close();
      },
    }),
  });
  return aiSdk(model).run(request('Why?'), attempt());
}

describe('an answer with an error', () => {
  test('has the limits that the server announces', async () => {
    const headers = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '0' };
    server.replyWith(json(429, { error: { message: 'No.' } }, headers));
    expect((await failureOf(ask())).rateLimits).toEqual({ requests: { limit: 60, remaining: 0 } });
  });

  test('in the middle of a stream ends the attempt, and its text has been emitted', async () => {
    const error = { message: 'Slow down.', code: 429 };
    server.replyWith(stream([...chunksOf({ text: 'Beca' }).slice(0, 1), { error }]));
    const context = attempt();
    expect(await failureOf(ask({}, context))).toMatchObject({
      code: 'rate_limited',
      message: `${label}: Slow down.`,
    });
    expect(context.emitted).toEqual(['Beca']);
  });

  test('without a status in a stream is a server error', async () => {
    server.replyWith(stream([{ error: { message: 'It failed.' } }]));
    expect(await failureOf(ask())).toMatchObject({
      code: 'server_error',
      message: `${label}: It failed.`,
    });
  });

  test('in a stream may be a bare text', async () => {
    expect(
      await failureOf(streaming([...begun, { type: 'error', error: 'It failed.' }])),
    ).toMatchObject({ code: 'server_error', message: `${label}: It failed.` });
  });

  test('in a stream ends the request, even if the server keeps it open', async () => {
    server.replyWith(hang([{ error: { message: 'It failed.' } }]));
    expect(await failureOf(ask())).toMatchObject({ code: 'server_error' });
    await server.closed;
  });

  test('has the message of the API, not that of the failed parsing', async () => {
    const model = mockOf();
    model.doStream = async () => {
      const cause = new Error('Unexpected token');
      throw new APICallError({ ...call, message: 'Bad Gateway', statusCode: 502, cause });
    };
    expect((await failureOf(aiSdk(model).run(request('Why?'), attempt()))).message).toBe(
      `${label}: Bad Gateway`,
    );
  });

  test.each<[string, number, object | string, object]>([
    [
      'Google',
      429,
      [
        {
          error: {
            code: 429,
            message: 'You exceeded your current quota.',
            status: 'RESOURCE_EXHAUSTED',
            details: [{ '@type': 'google.rpc.RetryInfo', retryDelay: '34s' }],
          },
        },
      ],
      { code: 'rate_limited', retryAfterMs: 34_000, text: 'You exceeded your current quota.' },
    ],
    [
      'vLLM',
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens.",
        code: 400,
      },
      {
        code: 'context_length_exceeded',
        text: "This model's maximum context length is 4096 tokens.",
      },
    ],
    [
      'FastAPI',
      422,
      { detail: 'Not like this.' },
      { code: 'invalid_request', text: 'Not like this.' },
    ],
    [
      'a proxy',
      502,
      '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>',
      { code: 'server_error', text: '502 Bad Gateway' },
    ],
    [
      'a gateway with advice of its own',
      429,
      { error: { message: 'Slow down.', retry_after: 9 } },
      { code: 'rate_limited', retryAfterMs: 9_000, text: 'Slow down.' },
    ],
    ['plain text', 503, 'upstream busy', { code: 'overloaded', text: 'upstream busy' }],
  ])('keeps the words of %s', async (_, status, body, { text, ...expected }: { text?: string }) => {
    server.replyWith((response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    expect(await failureOf(ask())).toMatchObject({ ...expected, message: `${label}: ${text}` });
  });

  test.each(['data:', 'data: ', 'event: ping\ndata:'])('%j is a heartbeat', async (heartbeat) => {
    const chunks = chunksOf({ text: 'Because.' }).map((chunk) => `data: ${JSON.stringify(chunk)}`);
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      // After the reason of the end, the SDK would take a heartbeat for the reason.
      const answer = [heartbeat, ...chunks.slice(0, -2)].join(`\n\n${heartbeat}\n\n`);
      response.end([answer, ...chunks.slice(-2), 'data: [DONE]', ''].join('\n\n'));
    });
    expect((await ask()).output).toBe('Because.');
  });

  test.each<[string, unknown, object]>([
    [
      'a text',
      { error: 'The worker died.' },
      { code: 'server_error', message: 'The worker died.' },
    ],
    [
      'fields at the top',
      { message: 'Slow; try again in 3s', code: 429 },
      { code: 'rate_limited', message: 'Slow; try again in 3s', retryAfterMs: 3_000 },
    ],
  ])('in a stream may be %s, and keeps the words of the server', async (_, event, expected) => {
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${JSON.stringify(event)}\n\n`);
    });
    const { message, ...others } = expected as { message: string };
    const failure = await failureOf(ask());
    expect(failure).toMatchObject({ ...others, message: `${label}: ${message}` });
  });

  test('of another shape is no error of the server, whatever its words', async () => {
    server.replyWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const message = { role: 'assistant', content: 'This request is too large.' };
      response.end(`data: ${JSON.stringify({ message, choices: 'none' })}\n\n`);
    });
    expect((await failureOf(ask())).code).toBe('server_error');
  });

  test('in a whole answer with status 200 keeps its words too', async () => {
    server.replyWith(json(200, { error: { message: 'Overloaded', code: 503 } }));
    expect(await failureOf(ask({ stream: false }))).toMatchObject({
      code: 'overloaded',
      message: `${label}: Overloaded`,
    });
  });

  test('obeys x-should-retry', async () => {
    server.replyWith(json(429, { error: { message: 'No.' } }, { 'x-should-retry': 'false' }));
    expect((await failureOf(ask())).isRetryable).toBe(false);
  });

  test('includes the usage of earlier answers', async () => {
    const model = mockOf({ calls: [{ name: 'none', input: {} }] });
    const first = model.doStream;
    let asked = 0;
    model.doStream = async (options) => {
      if (asked++ === 0) return first(options);
      throw new APICallError({ ...call, message: 'No.', statusCode: 500 });
    };
    expect(await failureOf(aiSdk(model).run(request('Why?'), attempt()))).toMatchObject({
      code: 'server_error',
      usage: { inputTokens: 100, outputTokens: 40 },
    });
  });

  test('of the provider itself is not a connection error, in a second request either', async () => {
    const model = mockOf({ calls: [{ name: 'none', input: {} }] });
    const first = model.doStream;
    let asked = 0;
    model.doStream = async (options) => {
      if (asked++ === 0) return first(options);
      throw new TypeError('x is not a function');
    };
    expect(await failureOf(aiSdk(model).run(request('Why?'), attempt()))).toMatchObject({
      code: 'task_failed',
    });
  });
});

describe('a connection', () => {
  test('that cannot be made', async () => {
    const runner = aiSdk(compatible('http://127.0.0.1:65530/v1'));
    expect(await failureOf(runner.run(request('Why?'), attempt()))).toMatchObject({
      code: 'connection',
      message: expect.stringMatching(/^test\.chat\/a-model: .*127\.0\.0\.1:65530/),
    });
  });

  test('that breaks without a notice of the provider', async () => {
    const broken = streaming(begun, new TypeError('terminated'));
    expect(await failureOf(broken)).toMatchObject({
      code: 'connection',
      message: `${label}: the connection broke in the middle of the answer: terminated`,
    });
  });

  test('is not blamed for an unknown error of the SDK', async () => {
    const { InvalidArgumentError } = await import('@ai-sdk/provider');
    const error = new InvalidArgumentError({ argument: 'x', message: 'x is wrong' });
    error.name = 'AI_SomethingNew';
    expect(await failureOf(streaming(begun, error))).toMatchObject({ code: 'task_failed' });
  });

  test('that ends before the answer does', async () => {
    server.replyWith(stream(chunksOf({ text: 'Because.' }).slice(0, 1)));
    expect(await failureOf(ask())).toMatchObject({ code: 'connection' });
  });

  test('that ends before the answer without a notice of the provider', async () => {
    expect(await failureOf(streaming(begun))).toMatchObject({
      code: 'connection',
      message: `${label}: the stream ended before the answer was complete`,
    });
  });

  test('that ends without a reason, although the provider reports usage', async () => {
    const runner = aiSdk(mockOf({ text: 'Because.', finish: 'other' }));
    expect(await failureOf(runner.run(request('Why?'), attempt()))).toMatchObject({
      code: 'connection',
      usage: { inputTokens: 100 },
    });
  });
});

describe('an answer that is not complete', () => {
  test.each([
    ['refused', 'content-filter', 'I cannot.', {}, `${label} refused: I cannot.`],
    ['refused', 'content-filter', '', {}, `${label}: the content filter withheld the answer`],
    [
      'truncated',
      'length',
      'Beca',
      {},
      `${label}: the answer was cut off at the model's token limit`,
    ],
    [
      'truncated',
      'length',
      'Beca',
      { maxOutputTokens: 200 },
      `${label}: the answer was cut off after 200 tokens; raise maxOutputTokens`,
    ],
    ['server_error', 'error', 'Beca', {}, `${label}: the answer failed`],
  ] as const)('fails as %s: %s %j %j', async (code, finish, text, options, message) => {
    const runner = aiSdk(mockOf({ text, finish }), options);
    expect(await failureOf(runner.run(request('Why?'), attempt()))).toMatchObject({
      code,
      message,
      usage: { inputTokens: 100, outputTokens: 40 },
      model: 'a-model-2026',
      requestId: 'chat-1',
    });
  });
});

describe('the time limit', () => {
  afterEach(() => vi.useRealTimers());

  test('ends the request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.replyWith(silence);
    const failure = failureOf(ask({ timeoutMs: 30_000 }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 100_000 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await failure).toMatchObject({
      code: 'timeout',
      message: 'no complete answer within 30000 ms',
    });
    await server.closed;
  });

  test('ends a request in the middle of its answer, after ten minutes by default', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.replyWith(hang(chunksOf({ text: 'Because.' }).slice(0, 1)));
    const context = attempt();
    const failure = failureOf(ask({}, context));
    await vi.waitFor(() => expect(context.emitted).toEqual(['Because']), { timeout: 100_000 });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(await failure).toMatchObject({ code: 'timeout' });
    await server.closed;
  });
});

test('nothing is printed', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {});
  server.replyWith(json(500, { error: { message: 'No.' } }));
  await failureOf(ask());
  expect(print).not.toHaveBeenCalled();
  print.mockRestore();
});

test('a key with a character that headers cannot have is an error that says so', async () => {
  const runner = aiSdk(compatible(server.url, { apiKey: 'sk-planted…' }));
  const failure = await failureOf(runner.run(request('Why?'), attempt()));
  expect(failure).toMatchObject({
    code: 'invalid_request',
    message: `${label}: could not send the request: the API key or a header has a character that HTTP does not allow in headers, such as "…" or a line end`,
  });
  expect(inspect(failure)).not.toContain('planted');
});

test('a missing key is an error before anything is sent', async () => {
  const model = mockOf();
  model.doStream = async () => {
    const { LoadAPIKeyError } = await import('ai');
    throw new LoadAPIKeyError({ message: 'Pass it, or set TEST_API_KEY.' });
  };
  expect(await failureOf(aiSdk(model).run(request('Why?'), attempt()))).toMatchObject({
    code: 'missing_api_key',
    message: `${label}: Pass it, or set TEST_API_KEY.`,
  });
});

test('an error of the provider itself is not a connection error', async () => {
  const model = mockOf();
  model.doStream = async () => {
    throw new TypeError('x is not a function');
  };
  expect(await failureOf(aiSdk(model).run(request('Why?'), attempt()))).toMatchObject({
    code: 'task_failed',
    message: `${label}: x is not a function`,
  });
});

test('a failed request is sent again by the run, not by the SDK', async () => {
  server.replyWith(json(500, { error: { message: 'No.' } }), saying({ text: 'Because.' }));
  const plan = createPlan('Why').addTask({ id: 'a', description: 'Why?' });
  const runner = aiSdk(compatible(server.url));
  const retry = { maxAttempts: 2, initialDelayMs: 1 };
  const result = await createExecutor({ strategy: inOrder, runner, retry }).execute(plan);
  expect(result.outputs).toEqual({ a: 'Because.' });
  expect(result.timeline.filter(({ type }) => type === 'task_retrying')).toHaveLength(1);
});
