import { LLMock } from '@copilotkit/aimock';
import { createExecutor, createPlan } from '@stratagem/core';
import { batchConformance, inOrder } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { BatchApi, type Outcome, type SentRequest } from '../test/batch-api.js';
import { openaiBatch } from './batch.js';

const apiKey = 'sk-planted-0123456789';

/** An answer in the format of the requested API. */
function saying(text: string, { url }: SentRequest) {
  const usage = { prompt_tokens: 5, completion_tokens: 2, input_tokens: 5, output_tokens: 2 };
  const content = [{ type: 'output_text', text }];
  const body = url.endsWith('/responses')
    ? { status: 'completed', model: 'm-2026', output: [{ type: 'message', content }], usage }
    : { model: 'm-2026', choices: [{ message: { content: text }, finish_reason: 'stop' }], usage };
  return { response: { status_code: 200, request_id: 'req_1', body } };
}

const answered = (choice: object) => ({
  response: { status_code: 200, body: { model: 'm', choices: [choice] } },
});
const failed = (status: number, error: object) => ({
  response: { status_code: status, body: { error } },
});

const { server, start, run, quick, two, three } = batchConformance<SentRequest, Outcome, BatchApi>({
  name: 'openaiBatch',
  apiKey,
  basePath: '/v1',
  create: (options) => openaiBatch(options),
  createApi: () => new BatchApi(),
  jobId: 'batch_1',
  saying,
  request: {
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Say a.' },
      ],
    },
  },
  completed: { requestId: 'req_1' },
  failures: [
    [
      'a refused request',
      failed(400, { message: 'Bad prompt.' }),
      'invalid_request',
      'openai/m: 400 Bad prompt.',
    ],
    [
      'an error in a result with status 200',
      failed(200, { message: 'Bad prompt.', type: 'invalid_request_error' }),
      'invalid_request',
      'openai/m: Bad prompt.',
    ],
    [
      'a result that quotes the key',
      failed(400, { message: `The key ${apiKey} may not.` }),
      'invalid_request',
      'openai/m: 400 The key [redacted] may not.',
    ],
    [
      'a filtered answer',
      answered({ message: {}, finish_reason: 'content_filter' }),
      'refused',
      'the content filter withheld the answer',
    ],
    [
      'a truncated answer',
      answered({ message: { content: 'a' }, finish_reason: 'length' }),
      'truncated',
      'cut off',
    ],
  ],
  transient: [
    ['a server error', failed(500, { message: 'Oops.' })],
    ['an expired request', { error: { code: 'batch_expired', message: 'It took too long.' } }],
    ['no result', undefined],
    ['a result without an answer', { response: { status_code: 200, body: null } }],
  ],
});

test('a job is created from a file, with the options of the runner', async () => {
  const api = start({ outcome: (request) => saying('a!', request) });
  await run(two, { temperature: 0.2 });
  expect(api.jobs[0]?.[0]?.body).toMatchObject({ temperature: 0.2 });
  const created = server.calls.find(
    ({ method, path }) => method === 'POST' && /batches$/.test(path),
  );
  expect(JSON.parse(created?.body ?? '')).toEqual({
    input_file_id: 'file-1',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
});

test('OpenAI itself gets the Responses API and structured output', async () => {
  const api = start({ outcome: (request) => saying('{"name":"Sea"}', request) });
  const client = new OpenAI({
    apiKey,
    baseURL: 'https://api.openai.com/v1',
    fetch: (url, init) => fetch(String(url).replace('https://api.openai.com/v1', server.url), init),
  });
  const plan = createPlan('Name').addTask({
    id: 'a',
    description: 'Name a café.',
    outputSchema: z.object({ name: z.string() }),
  });
  const runner = openaiBatch({ model: 'm', client, ...quick });
  const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
  expect(result.outputs).toEqual({ a: { name: 'Sea' } });
  expect(api.jobs[0]?.[0]).toMatchObject({
    url: '/v1/responses',
    body: {
      model: 'm',
      input: 'Name a café.',
      text: { format: { type: 'json_schema', strict: true, name: 'answer' } },
    },
  });
});

const ECHO = {
  outcome: (request: SentRequest) => saying('Done.', request),
};

test.each([
  ['token_limit_exceeded', 'Enqueued token limit reached for m in organization org-1.'],
  ['', 'Enqueued token limit reached for m. Please try again once some batches have completed.'],
])('a job that is refused for its queue (%s) is sent again', async (code, message) => {
  const api = start(ECHO);
  let refused = 0;
  server.serve((call) => {
    if (call.method === 'GET' && call.path.includes('/batches/') && refused++ === 0) {
      const errors = { object: 'list', data: [{ code, message, line: null, param: null }] };
      return { body: { id: 'batch_1', status: 'failed', errors } };
    }
    return api.routes(call);
  });
  const result = await run(two);
  expect(result.status).toBe('completed');
  expect(api.jobs.map((job) => job.length)).toEqual([2, 1, 1]);
});

test('a job that cannot be created for its queue is sent again', async () => {
  const api = start(ECHO);
  let refused = 0;
  server.serve((call) => {
    if (call.method === 'POST' && call.path.endsWith('/batches') && refused++ === 0) {
      return { status: 400, body: { error: { message: 'Enqueued token limit reached.' } } };
    }
    return api.routes(call);
  });
  expect((await run(two)).status).toBe('completed');
});

test.each([
  ['failed', 'invalid_request', 'was refused'],
  ['cancelled', 'rejected', 'was canceled'],
  ['CANCELED', 'rejected', 'was canceled'],
])('a job that has %s fails every task', async (status, code, message) => {
  start({ status });
  const result = await run(two);
  for (const { error } of result.tasks) {
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  }
});

test.each([
  ['', {}],
  [' that fails now and then', { dropRate: 0.2 }],
  [' with a limit', { rateLimitRate: 0.2 }],
])('a mock of the service%s completes the jobs', async (_, chaos) => {
  const mock = new LLMock({ port: 0 });
  await mock.start();
  mock.setChaos(chaos);
  const runner = openaiBatch({ model: 'm', apiKey, baseURL: `${mock.url}/v1`, ...quick });
  const retry = { maxAttempts: 40, initialDelayMs: 1, maxDelayMs: 20 };
  const executor = createExecutor({ strategy: inOrder, runner, maxParallel: Infinity, retry });
  const { error, outputs } = await executor.execute(three);
  await mock.stop();
  expect(error).toBeUndefined();
  // The mock answers every batch with the same text.
  expect(Object.keys(outputs)).toEqual(['a', 'b', 'c']);
  expect(new Set(Object.values(outputs)).size).toBe(1);
});

test('a request that is refused for its attachments says so, and one in a refused job does not', async () => {
  const plan = createPlan('See').addTask({
    ...{ id: 'a', description: 'What is this?' },
    attachments: [{ data: new TextEncoder().encode('pixels'), mediaType: 'image/png' }],
  });
  const refused = { message: 'Invalid content type image_url for this model' };
  const advice = 'does the model take them?';
  start({ outcome: () => failed(400, refused) });
  const result = await run(plan);
  expect(result.tasks[0]?.error).toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(advice),
  });
  const api = start();
  const { routes } = api;
  const whole = { message: 'The file of a batch must not be a document: invalid media' };
  server.serve((call) =>
    call.method === 'POST' && /batches$/.test(call.path)
      ? { status: 400, body: { error: whole } }
      : routes(call),
  );
  const job = await run(plan);
  expect(job.tasks[0]?.error?.message).toContain('The file of a batch');
  expect(job.tasks[0]?.error?.message).not.toContain(advice);
});
