import { OptionError } from '@stratagem/core';
import { OpenAI } from 'openai';
import { afterEach, expect, test, vi } from 'vitest';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

const client = new OpenAI({ apiKey: 'sk-test-0123456789' });

test.each([
  [{ modle: 'a' }, 'openai() has no option "modle". Did you mean "model"?'],
  [{ model: '' }, 'openai(): model must be a non-empty string'],
  [{ apiKey: ' ' }, 'openai(): apiKey must be a non-empty string'],
  [{ apiKey: 7 }, 'openai(): apiKey must be a non-empty string'],
  [{ instructions: [] }, 'openai(): instructions must be a non-empty string'],
  [{ baseURL: 'localhost:11434' }, 'openai(): baseURL must be a URL that begins with http://'],
  [{ baseURL: 'http://' }, 'openai(): baseURL must be a URL that begins with http://'],
  [{ api: 'completions' }, "openai(): api must be 'responses' or 'chat'; it is completions"],
  [{ temperature: 2.5 }, 'openai(): temperature must be a number from 0 to 2; it is 2.5'],
  [{ temperature: Number.NaN }, 'openai(): temperature must be a number from 0 to 2; it is NaN'],
  [
    { maxOutputTokens: 0 },
    'openai(): maxOutputTokens must be an integer ≥ 1; it is 0',
  ],
  [{ maxOutputTokens: Number.POSITIVE_INFINITY }, 'it is Infinity'],
  [{ timeoutMs: 0 }, 'openai(): timeoutMs must be a positive number of milliseconds; it is 0'],
  [{ client: {} }, 'openai(): client must be a client of the openai package'],
  [{ client, apiKey: 'sk' }, 'openai(): give apiKey to the client, or leave out client'],
  [{ client, baseURL: 'http://a' }, 'openai(): give baseURL to the client, or leave out client'],
])('%j is an error', (options, message) => {
  const create = () => openai(options as OpenAIOptions);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});

test('an option that is undefined is as good as none', () => {
  const options = { model: undefined, apiKey: undefined, timeoutMs: undefined, client: undefined };
  expect(openai(options).resource).toBe(openai().resource);
});

afterEach(() => vi.unstubAllEnvs());

test('where it asks is one of its settings, however that was said, without secrets', () => {
  const url = 'http://me:hunter2@127.0.0.1:1/v1?key=hunter2';
  vi.stubEnv('OPENAI_BASE_URL', undefined);
  const here = openai();
  const there = openai({ baseURL: url });
  const byClient = openai({ client: new OpenAI({ apiKey: 'sk-test-0123456789', baseURL: url }) });
  vi.stubEnv('OPENAI_BASE_URL', url);
  const byEnvironment = openai();
  vi.stubEnv('OPENAI_BASE_URL', 'localhost');
  expect(openai().settings).toEqual(here.settings);
  expect(there.settings).toEqual({
    ...here.settings,
    baseURL: 'http://127.0.0.1:1/v1',
  });
  expect(byClient.settings).toEqual(there.settings);
  expect(byEnvironment.settings).toEqual(there.settings);
});
