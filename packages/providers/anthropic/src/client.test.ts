import { attempt, request, testServer } from '@stratagem/test-kit';
import { expect, test, vi } from 'vitest';
import { stream } from '../test/server.js';
import { anthropic } from './index.js';

const loaded = vi.hoisted(() => vi.fn());
vi.mock('@anthropic-ai/sdk', async (original) => {
  loaded();
  return original();
});

const server = testServer();

test('the SDK is loaded at the first request, once', async () => {
  server.replyWith(stream([{ type: 'message_stop' }]));
  const runner = anthropic({ apiKey: 'sk-test-0123456789', baseURL: server.url });
  expect(loaded).not.toHaveBeenCalled();
  await Promise.all([1, 2, 3].map(() => runner.run(request('Hello'), attempt())));
  expect(loaded).toHaveBeenCalledOnce();
  expect(server.requests).toHaveLength(3);
});
