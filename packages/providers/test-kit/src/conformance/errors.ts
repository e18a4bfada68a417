import { RunnerError } from '@stratagem/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../attempt.js';
import { json, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Responses with an error. */
export function errorConformance(subject: ProviderSubject): void {
  const { errorBody, label, sdk } = subject;
  const server = testServer(subject.basePath);
  const ask = () => subject.create(server.url).run(request('Why?'), attempt());
  const failure = () => ask().catch((reason) => reason);
  afterEach(() => vi.unstubAllEnvs());

  /** What the message of an error adds for the user. */
  function adviceFor(code: string): string {
    if (sdk === undefined) return '';
    if (code === 'not_found') return ` (is there a model "a-model" at ${server.url}?)`;
    return code === 'authentication' ? ' (check the API key)' : '';
  }

  describe('a response with an error', () => {
    test.each(subject.apiErrors)('%i %j becomes %s, after one request', async (...row) => {
      const [status, error, code] = row;
      const body = errorBody({ message: 'No.', ...error });
      server.replyWith(json(status, body, { [subject.requestIdHeader]: 'req_1' }));
      const thrown = await failure();
      expect(thrown).toBeInstanceOf(RunnerError);
      expect(thrown).toMatchObject({ code, status, requestId: 'req_1', model: 'a-model' });
      expect(thrown.message).toBe(subject.errorMessage(status) + adviceFor(code));
      expect(subject.isApiError(thrown.cause)).toBe(true);
      expect(server.requests).toHaveLength(1);
    });

    test.each([
      [{ 'retry-after': '7' }, 7_000],
      [{ 'retry-after': '120' }, 120_000],
      [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
      [{}, undefined],
    ])('and %j asks to wait for %s ms', async (headers, retryAfterMs) => {
      const body = { error: { message: 'No.' } };
      server.replyWith(json(429, body, headers as Record<string, string>));
      expect((await failure()).retryAfterMs).toBe(retryAfterMs);
    });

    test('that is not JSON keeps its status', async () => {
      server.replyWith((response) => response.writeHead(502).end('<html>Bad gateway</html>'));
      await expect(ask()).rejects.toMatchObject({ code: 'server_error', status: 502 });
    });

    test('is sent again by the run, not by the SDK', async () => {
      server.replyWith(json(500, errorBody({ message: 'No.' })));
      await expect(ask()).rejects.toMatchObject({ code: 'server_error' });
      expect(server.requests).toHaveLength(1);
    });

    if (sdk === undefined) return;
    test('advises how to correct a base URL', async () => {
      server.replyWith(json(404, { error: { message: 'Nothing here.' } }));
      const { origin } = new URL(server.url);
      for (const [path, problem] of Object.entries(sdk.wrongPaths)) {
        const answer = subject.create(origin + path).run(request('Why?'), attempt());
        await expect(answer).rejects.toMatchObject({
          code: 'not_found',
          message: `${label}: 404 Nothing here. (the base URL ${origin}${path.replace(/\/$/, '')} ${problem})`,
        });
      }
    });

    test('advises what to check', async () => {
      server.replyWith(json(404, { error: { message: 'No such model.' } }));
      await expect(ask()).rejects.toThrow(
        `${label}: 404 No such model. (is there a model "a-model" at ${server.url}?)`,
      );
      server.replyWith(json(401, { error: { message: 'Who?' } }));
      await expect(ask()).rejects.toThrow(`${label}: 401 Who? (check the API key)`);
      vi.stubEnv(`${sdk.environment}_API_KEY`, subject.apiKey);
      const unnamed = sdk.create({ model: 'a-model', apiKey: undefined, baseURL: server.url });
      await expect(unnamed.run(request('Why?'), attempt())).rejects.toThrow(
        `${label}: 401 Who? (check the environment variable ${sdk.environment}_API_KEY)`,
      );
    });
  });
}
