import { attempt, lazyImportConformance, request } from '@stratagem/test-kit';
import { expect, test, vi } from 'vitest';
import { saying } from '../test/model.js';
import { anthropic } from './index.js';

const loaded = vi.hoisted(() => vi.fn());
vi.mock('@anthropic-ai/sdk', async (original) => {
  loaded();
  return original();
});

lazyImportConformance(
  {
    basePath: '',
    create: (baseURL) => anthropic({ apiKey: 'sk-test-0123456789', baseURL }),
    saying,
  },
  loaded,
);

test('a key that is missing because of an unknown profile names that profile', async () => {
  vi.stubEnv('ANTHROPIC_API_KEY', undefined);
  vi.stubEnv('ANTHROPIC_AUTH_TOKEN', undefined);
  vi.stubEnv('ANTHROPIC_CONFIG_DIR', import.meta.dirname);
  vi.stubEnv('ANTHROPIC_PROFILE', 'absent');
  await expect(anthropic().run(request('Why?'), attempt())).rejects.toMatchObject({
    code: 'missing_api_key',
    cause: { message: expect.stringContaining('absent') },
  });
  vi.unstubAllEnvs();
});

test('a check finds a missing key without a request, and is content with any other one', async () => {
  vi.stubEnv('ANTHROPIC_API_KEY', undefined);
  vi.stubEnv('ANTHROPIC_AUTH_TOKEN', undefined);
  vi.stubEnv('ANTHROPIC_CONFIG_DIR', import.meta.dirname);
  await expect(anthropic().check?.()).rejects.toMatchObject({ code: 'missing_api_key' });
  vi.stubEnv('ANTHROPIC_API_KEY', 'sk-test-0123456789');
  await expect(anthropic().check?.()).resolves.toBeUndefined();
  vi.unstubAllEnvs();
});
