import { expect, test } from 'vitest';
import { providerOf, serverOf } from './provider.js';

test.each([
  ['https://api.openai.com/v1', 'openai', 'api.openai.com', 443],
  ['https://mine.openai.azure.com/openai', 'azure.ai.openai', 'mine.openai.azure.com', 443],
  ['https://api.groq.com/openai/v1', 'groq', 'api.groq.com', 443],
  [
    'https://generativelanguage.googleapis.com/v1beta',
    'gcp.gemini',
    'generativelanguage.googleapis.com',
    443,
  ],
  ['http://user:secret@localhost:8000/v1?key=secret', 'openai', 'localhost', 8000],
  ['http://notopenai.example', 'openai', 'notopenai.example', 80],
])('%s is %s', (baseURL, provider, address, port) => {
  const server = serverOf(baseURL);
  expect(server).toEqual({ address, port });
  expect(providerOf('openai', server)).toBe(provider);
});

test('an address that is none has no server', () => {
  expect(serverOf('nowhere')).toBeUndefined();
  expect(serverOf(undefined)).toBeUndefined();
});
