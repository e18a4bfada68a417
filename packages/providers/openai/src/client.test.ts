import { attempt, lazyImportConformance, request, testServer } from '@stratagem/test-kit';
import { afterEach, expect, test, vi } from 'vitest';
import { saying } from '../test/model.js';
import { openai } from './index.js';

const apiKey = 'sk-test-0123456789';
const loaded = vi.hoisted(() => vi.fn());
vi.mock('openai', async (original) => {
  loaded();
  return original();
});

const server = testServer('/v1');
afterEach(() => vi.unstubAllEnvs());

lazyImportConformance(
  { basePath: '/v1', create: (baseURL) => openai({ apiKey, baseURL }), saying },
  loaded,
);

test('a missing key is reported without importing the SDK', async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  loaded.mockClear();
  vi.resetModules();
  await expect(openai().run(request('Hello'), attempt())).rejects.toThrow('OPENAI_API_KEY');
  expect(loaded).not.toHaveBeenCalled();
});

test('a key that appears in the environment later is found', async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  const runner = openai({ baseURL: server.url });
  await expect(runner.run(request('Why?'), attempt())).rejects.toThrow('no API key');
  vi.stubEnv('OPENAI_API_KEY', apiKey);
  server.replyWith(saying({ text: 'Because.' }));
  await expect(runner.run(request('Why?'), attempt())).resolves.toMatchObject({
    output: 'Because.',
  });
});

test('a check finds a missing key without a request, and is content with any other one', async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  vi.stubEnv('OPENAI_AUTH_TOKEN', undefined);
  vi.stubEnv('OPENAI_CONFIG_DIR', import.meta.dirname);
  await expect(openai().check?.()).rejects.toMatchObject({ code: 'missing_api_key' });
  vi.stubEnv('OPENAI_API_KEY', 'sk-test-0123456789');
  await expect(openai().check?.()).resolves.toBeUndefined();
  vi.unstubAllEnvs();
});
