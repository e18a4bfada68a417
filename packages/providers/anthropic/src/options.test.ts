import { Anthropic } from '@anthropic-ai/sdk';
import { OptionError } from '@stratagem/core';
import { afterEach, expect, test, vi } from 'vitest';
import { anthropic } from './anthropic.js';
import type { AnthropicOptions } from './options.js';

const client = new Anthropic({ apiKey: 'sk-ant-test-0123456789' });

test.each([
  [{ modle: 'a' }, 'anthropic() has no option "modle". Did you mean "model"?'],
  [{ model: '' }, 'anthropic(): model must be a non-empty string'],
  [{ apiKey: ' ' }, 'anthropic(): apiKey must be a non-empty string'],
  [{ apiKey: 7 }, 'anthropic(): apiKey must be a non-empty string'],
  [{ instructions: [] }, 'anthropic(): instructions must be a non-empty string'],
  [{ baseURL: 'localhost:11434' }, 'anthropic(): baseURL must be a URL that begins with http://'],
  [{ baseURL: 'http://' }, 'anthropic(): baseURL must be a URL that begins with http://'],
  [{ temperature: 1 }, 'anthropic() has no option "temperature". It takes model, apiKey,'],
  [
    { maxOutputTokens: 0 },
    'anthropic(): maxOutputTokens must be an integer ≥ 1; it is 0',
  ],
  [{ maxOutputTokens: Number.POSITIVE_INFINITY }, 'it is Infinity'],
  [{ timeoutMs: 0 }, 'anthropic(): timeoutMs must be a positive number of milliseconds; it is 0'],
  [{ client: {} }, 'anthropic(): client must be a client of the @anthropic-ai/sdk package'],
  [{ client, apiKey: 'sk' }, 'anthropic(): give apiKey to the client, or leave out client'],
  [{ client, baseURL: 'http://a' }, 'anthropic(): give baseURL to the client, or leave out client'],
])('%j is an error', (options, message) => {
  const create = () => anthropic(options as AnthropicOptions);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});

test('an option that is undefined is as good as none', () => {
  const options = { model: undefined, apiKey: undefined, timeoutMs: undefined, client: undefined };
  expect(anthropic(options).resource).toBe(anthropic().resource);
});

afterEach(() => vi.unstubAllEnvs());

test('where it asks is one of its settings, however that was said, without secrets', () => {
  const url = 'http://me:hunter2@127.0.0.1:1/proxy?key=hunter2';
  vi.stubEnv('ANTHROPIC_BASE_URL', undefined);
  const here = anthropic();
  const there = anthropic({ baseURL: url });
  const byClient = anthropic({
    client: new Anthropic({ apiKey: 'sk-test-0123456789', baseURL: url }),
  });
  vi.stubEnv('ANTHROPIC_BASE_URL', url);
  const byEnvironment = anthropic();
  vi.stubEnv('ANTHROPIC_BASE_URL', 'localhost');
  expect(anthropic().settings).toEqual(here.settings);
  expect(there.settings).toEqual({
    ...here.settings,
    baseURL: 'http://127.0.0.1:1/proxy',
  });
  expect(byClient.settings).toEqual(there.settings);
  expect(byEnvironment.settings).toEqual(there.settings);
});
