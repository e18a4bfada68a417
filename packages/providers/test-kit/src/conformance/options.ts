import { OptionError } from '@stratagem/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../attempt.js';
import { json, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** The options that all providers share; only with an SDK, whose client they configure. */
export function optionConformance(subject: ProviderSubject): void {
  const { apiKey, name, sdk } = subject;
  if (sdk === undefined) return;
  const client = sdk.createClient({ apiKey });
  const server = testServer(subject.basePath);
  afterEach(() => vi.unstubAllEnvs());

  describe('an option that is out of range is an error:', () => {
    test.each<[object, string]>([
      [{ modle: 'a' }, `${name}() has no option "modle". Did you mean "model"?`],
      [{ model: '' }, `${name}(): model must be a non-empty string`],
      [{ apiKey: ' ' }, `${name}(): apiKey must be a non-empty string`],
      [{ apiKey: 7 }, `${name}(): apiKey must be a non-empty string`],
      [{ instructions: [] }, `${name}(): instructions must be a non-empty string`],
      [{ baseURL: 'localhost:11434' }, `${name}(): baseURL must be a URL that begins with http://`],
      [{ baseURL: 'http://' }, `${name}(): baseURL must be a URL that begins with http://`],
      [{ maxOutputTokens: 0 }, `${name}(): maxOutputTokens must be an integer ≥ 1; it is 0`],
      [{ maxOutputTokens: Number.POSITIVE_INFINITY }, 'it is Infinity'],
      [{ timeoutMs: 0 }, `${name}(): timeoutMs must be a positive number of milliseconds; it is 0`],
      [{ client: {} }, `${name}(): client must be a client of the ${sdk.packageName} package`],
      [{ client, apiKey: 'sk' }, `${name}(): give apiKey to the client, or leave out client`],
      [
        { client, baseURL: 'http://a' },
        `${name}(): give baseURL to the client, or leave out client`,
      ],
    ])('%j', (options, message) => {
      const create = () => sdk.create(options);
      expect(create).toThrow(OptionError);
      expect(create).toThrow(message);
    });
  });

  test('an option that is undefined counts as absent', () => {
    const options = {
      model: undefined,
      apiKey: undefined,
      timeoutMs: undefined,
      client: undefined,
    };
    expect(sdk.create(options).resource).toBe(sdk.create().resource);
  });

  test('the settings contain the base URL from any source, without secrets', () => {
    const url = 'http://127.0.0.1:1/v1?key=hunter2';
    const variable = `${sdk.environment}_BASE_URL`;
    vi.stubEnv(variable, undefined);
    const here = sdk.create();
    const there = sdk.create({ baseURL: url });
    const byClient = sdk.create({ client: sdk.createClient({ apiKey, baseURL: url }) });
    vi.stubEnv(variable, url);
    const byEnvironment = sdk.create();
    vi.stubEnv(variable, 'localhost');
    expect(sdk.create().settings).toEqual(here.settings);
    expect(there.settings).toEqual({ ...here.settings, baseURL: 'http://127.0.0.1:1/v1' });
    expect(byClient.settings).toEqual(there.settings);
    expect(byEnvironment.settings).toEqual(there.settings);
  });

  test('a base URL with a user name or password is refused before anything is sent', async () => {
    const named = 'must not contain a user name or password';
    for (const user of ['me', 'me:hunter2', ':hunter2']) {
      const baseURL = `http://${user}@127.0.0.1:1/v1`;
      expect(() => sdk.create({ baseURL })).toThrow(`${name}(): baseURL ${named}`);
      const client = sdk.createClient({ apiKey, baseURL });
      expect(() => sdk.create({ client })).toThrow(`the baseURL of client ${named}`);
      vi.stubEnv(`${sdk.environment}_BASE_URL`, baseURL);
      const failure = await sdk
        .create({ apiKey })
        .run(request('Hello'), attempt())
        .catch((thrown) => thrown);
      expect(failure).toMatchObject({ code: 'invalid_request' });
      expect(failure.message).toContain(`_BASE_URL ${named}`);
      expect(String(failure.stack)).not.toContain('hunter2');
    }
    vi.unstubAllEnvs();
  });

  test('a key with a character that headers cannot have is refused, and is not shown', async () => {
    const problem = 'a character that HTTP does not allow in headers, such as "…" or a line end';
    for (const pasted of ['sk-planted…', 'sk-\nplanted']) {
      expect(() => sdk.create({ apiKey: pasted })).toThrow(`${name}(): apiKey has ${problem}`);
      vi.stubEnv(`${sdk.environment}_API_KEY`, pasted);
      const failure = await sdk
        .create({ baseURL: server.url })
        .run(request('Hello'), attempt())
        .catch((thrown) => thrown);
      expect(failure).toMatchObject({ code: 'invalid_request' });
      expect(failure.message).toContain(`the API key or a header has ${problem}`);
      expect(`${failure.stack} ${String(failure.cause?.stack)}`).not.toContain('planted');
    }
    server.replyWith(subject.saying({ text: 'Hi' }));
    const spaced = sdk.create({ apiKey: `${apiKey}\n`, baseURL: server.url });
    await expect(spaced.run(request('Hello'), attempt())).resolves.toMatchObject({ output: 'Hi' });
    vi.unstubAllEnvs();
  });

  test('secrets of a client and of clouds are in no error', async () => {
    const secrets = ['h-header-0123456', 'q-query-0123456', 'aws-0123456789', 'bearer-0123456'];
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secrets[2]);
    const client = sdk.createClient({
      apiKey,
      baseURL: server.url,
      defaultHeaders: { 'x-gateway': secrets[0], authorization: `Bearer ${secrets[3]}` },
      defaultQuery: { token: secrets[1] },
    });
    const message = `Denied: ${secrets.join(' ')}`;
    server.replyWith(json(403, { error: { type: 'permission_error', message } }));
    const failure = await sdk
      .create({ client })
      .run(request('Hello'), attempt())
      .catch((thrown) => thrown);
    expect(failure.message).toContain('Denied: [redacted] [redacted] [redacted] [redacted]');
    const shown = `${failure.stack} ${JSON.stringify(failure)} ${String(failure.cause?.stack)}`;
    for (const secret of secrets) expect(shown).not.toContain(secret);
    vi.unstubAllEnvs();
  });

  test('the default model is the one that the resource names', async () => {
    server.replyWith(subject.saying({ text: 'Hi' }));
    const unnamed = sdk.create({ apiKey, baseURL: server.url });
    await unnamed.run(request('Hello'), attempt());
    expect(unnamed.name).toBe(name);
    expect(unnamed.resource).toBe(`${name}/${server.requests[0]?.body.model}`);
  });

  test('a client is used unchanged, except for its retries', async () => {
    const own = sdk.createClient({
      apiKey,
      baseURL: server.url,
      defaultHeaders: { 'x-team': 'research' },
      maxRetries: 5,
      timeout: 4_000,
    });
    server.replyWith(json(500, { error: { type: 'api_error', message: 'down' } }));
    const answer = sdk.create({ client: own }).run(request('Hello'), attempt());
    await expect(answer).rejects.toMatchObject({ code: 'server_error' });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers).toMatchObject({
      'x-team': 'research',
      'x-stainless-timeout': '4',
    });
  });

  describe('the time limit that a request announces', () => {
    const announced = async (context = attempt()) => {
      server.replyWith(subject.saying({ text: 'Hi' }));
      const limited = sdk.create({ apiKey, baseURL: server.url, timeoutMs: 30_000 });
      await limited.run(request('Hello'), context);
      return server.requests[0]?.headers['x-stainless-timeout'];
    };

    test('is that of the runner', async () => {
      expect(await announced()).toBe('30');
    });

    test('is what is left of the attempt when that is less', async () => {
      const context = attempt({ remainingMs: 5_000 });
      expect(Number(await announced(context))).toBeLessThanOrEqual(5);
    });
  });
}
