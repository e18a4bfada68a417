import { attempt, request, testServer } from '@stratagem/test-kit';
import { expect, test, vi } from 'vitest';
import { stream } from '../test/server.js';
import { openai } from './index.js';

const loaded = vi.hoisted(() => vi.fn());
vi.mock('openai', async (original) => {
  loaded();
  return original();
});

const server = testServer('/v1');

test('the SDK is loaded at the first request, once', async () => {
  server.replyWith(stream([{ choices: [{ delta: {}, finish_reason: 'stop' }] }]));
  const runner = openai({ apiKey: 'sk-test-0123456789', baseURL: server.url });
  expect(loaded).not.toHaveBeenCalled();
  await Promise.all([1, 2, 3].map(() => runner.run(request('Hello'), attempt())));
  expect(loaded).toHaveBeenCalledOnce();
  expect(server.requests).toHaveLength(3);
});

test('a missing key is reported without loading the SDK', async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  loaded.mockClear();
  vi.resetModules();
  await expect(openai().run(request('Hello'), attempt())).rejects.toThrow('OPENAI_API_KEY');
  expect(loaded).not.toHaveBeenCalled();
  vi.unstubAllEnvs();
});
