import { inspect } from 'node:util';
import { createExecutor, createPlan, type RunnerError } from '@stratagem/core';
import { attempt, inOrder, json, request, testServer } from '@stratagem/test-kit';
import { APICallError, wrapLanguageModel } from 'ai';
import { describe, expect, test } from 'vitest';
import { apiKey, compatible, mockOf, stream, teamKey } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

const server = testServer('/v1');
const label = 'test.chat/a-model';
const failureOf = (work: Promise<unknown>): Promise<RunnerError> =>
  work.then(
    () => expect.unreachable(),
    (thrown) => thrown,
  );
const ask = () => aiSdk(compatible(server.url)).run(request('Why?'), attempt());

describe('secrets', () => {
  /** A server that repeats the request's headers in its body and its headers. */
  const gossip = (status: number) =>
    server.replyWith((response, { headers }) => {
      const said = JSON.stringify(headers);
      response.writeHead(status, { 'content-type': 'application/json', 'x-said': said });
      response.end(JSON.stringify({ error: { message: `I was sent ${said}`, code: said } }));
    });

  /** Everything that a logger might print of a value. */
  const printed = (value: unknown) =>
    inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value);

  test.each([401, 429, 500])(
    'that a server repeats with status %i are in no error and no event',
    async (status) => {
      gossip(status);
      const runner = aiSdk(compatible(server.url));
      const plan = createPlan('Why').addTask({ id: 'a', description: 'Why?' });
      const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
      const result = await executor.execute(plan);
      expect(result.status).toBe('failed');
      expect(printed(result)).not.toContain(apiKey);
      expect(printed(result)).not.toContain(teamKey);
      expect(printed(await failureOf(runner.run(request('Why?'), attempt())))).not.toContain(
        'planted',
      );
    },
  );

  test('that a stream repeats are in no error', async () => {
    server.replyWith(stream([{ error: { message: `The key ${apiKey} is over its limit.` } }]));
    const failure = await failureOf(ask());
    expect(failure.message).toBe(`${label}: The key [redacted] is over its limit.`);
    expect(printed(failure)).not.toContain(apiKey);
  });

  test.each([
    ['Authorization: Bearer abcdef123456', 'abcdef123456'],
    ['Incorrect API key provided: sk-proj-abcdef123456', 'sk-proj-abcdef123456'],
    ['API key not valid: AIzaSyAbcdef123456', 'AIzaSyAbcdef123456'],
  ])('are recognised by their form where the model hides its headers: %s', async (message, key) => {
    const model = wrapLanguageModel({ model: compatible(server.url), middleware: {} as never });
    server.replyWith(json(401, { error: { message } }));
    const failure = await failureOf(aiSdk(model).run(request('Why?'), attempt()));
    expect(failure.message).toContain('[redacted]');
    expect(printed(failure)).not.toContain(key);
  });

  test('of any other form are redacted when the options name them', async () => {
    const model = wrapLanguageModel({ model: compatible(server.url), middleware: {} as never });
    gossip(401);
    const runner = aiSdk(model, { secrets: [teamKey, apiKey] });
    expect(printed(await failureOf(runner.run(request('Why?'), attempt())))).not.toContain(
      'planted',
    );
    expect(JSON.stringify(runner.settings)).not.toContain('planted');
  });

  test('in the URL of the API are in no error', async () => {
    const model = mockOf();
    model.doStream = async () => {
      const url = 'https://user:a-password@127.0.0.1/v1?key=a-secret-key';
      throw new APICallError({ message: `Failed at ${url}`, url, requestBodyValues: {} });
    };
    const failure = await failureOf(aiSdk(model).run(request('Why?'), attempt()));
    expect(printed(failure)).not.toMatch(/a-password|a-secret-key/);
  });
});
