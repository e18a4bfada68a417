import { inspect } from 'node:util';
import { createExecutor, createPlan } from '@stratagem/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { attempt, inOrder, request } from '../attempt.js';
import { json, streamsOf, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Keys and base URLs, from options and from the environment; only with an SDK. */
export function keyConformance(subject: ProviderSubject): void {
  const { apiKey, errorBody, sdk } = subject;
  if (sdk === undefined) return;
  const { environment } = sdk;
  const server = testServer(subject.basePath);
  const { stream } = streamsOf(subject.wire);
  const error = (message: string) => errorBody({ message });
  afterEach(() => vi.unstubAllEnvs());

  describe('a key', () => {
    test.each(Object.entries(sdk.keyless))(
      'is missing in %s, and the error names the variable',
      async (_, variables) => {
        for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
        const answer = sdk.create({ baseURL: server.url }).run(request('Why?'), attempt());
        await expect(answer).rejects.toMatchObject({
          name: 'RunnerError',
          code: 'missing_api_key',
          message: expect.stringContaining(
            `set the environment variable ${environment}_API_KEY, or pass`,
          ),
        });
        expect(server.requests).toEqual([]);
      },
    );

    test.each(Object.entries(sdk.credentials))(
      'and the base URL come from the environment: %s',
      async (name, prefix) => {
        for (const each of Object.keys(sdk.credentials)) vi.stubEnv(each, undefined);
        vi.stubEnv(`${environment}_BASE_URL`, server.url);
        vi.stubEnv(name, 'credential-from-the-environment');
        server.replyWith(subject.saying({ text: 'Hi' }));
        await sdk.create({ model: 'a-model' }).run(request('Hello'), attempt());
        expect(server.requests).toMatchObject([{ path: sdk.defaultPath }]);
        const { authorization, 'x-api-key': key } = server.requests[0]?.headers ?? {};
        expect([authorization, key].join()).toContain(`${prefix}credential-from-the-environment`);
      },
    );

    const broken = apiKey.replace('-0', '\n0');
    test.each([
      ['an error that quotes it', apiKey, json(401, error(`Bad key ${apiKey}`))],
      [
        'an error with the key in a field',
        apiKey,
        json(400, errorBody({ message: 'No', key: apiKey })),
      ],
      ['a header that quotes it', apiKey, json(400, error('No'), { 'x-key': apiKey })],
      ['a stream that quotes it', apiKey, stream([error(`Bad key ${apiKey}`)])],
      ['a key that cannot be sent', broken, stream([])],
    ])('never leaves the runner: %s', async (_, key, reply) => {
      server.replyWith(reply);
      vi.stubEnv(`${sdk.environment}_API_KEY`, key);
      const runner = sdk.create({ baseURL: server.url });
      const plan = createPlan('Leak').addTask({ id: 'a', description: 'Why?' });
      const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
      expect(result.status).toBe('failed');
      const seen = JSON.stringify(result) + inspect(result, { depth: 20, showHidden: true });
      expect(seen).toContain(runner.resource);
      expect(seen).not.toContain(key);
      expect(seen).not.toContain('0123456789');
    });
  });

  test('an invalid base URL in the environment is reported, and read again by the next attempt', async () => {
    vi.stubEnv(`${environment}_BASE_URL`, 'localhost');
    const runner = sdk.create({ apiKey });
    await expect(runner.run(request('Why?'), attempt())).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(`${environment}_BASE_URL must be a URL`),
    });
    vi.stubEnv(`${environment}_BASE_URL`, server.url);
    server.replyWith(json(500, {}));
    const again = runner.run(request('Why?'), attempt());
    await expect(again).rejects.toMatchObject({ code: 'server_error' });
  });
}
