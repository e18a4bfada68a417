import { inspect } from 'node:util';
import { attempt, request, testServer } from '@stratagem/test-kit';
import { AzureOpenAI } from 'openai';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { saying } from '../test/model.js';
import { addressIn } from './azure.js';
import { type OpenAIOptions, openai } from './index.js';
import { isOpenAI } from './sdk.js';

const server = testServer();
const apiKey = 'azure-key-0123456789';
afterEach(() => vi.unstubAllEnvs());

async function ask(options: OpenAIOptions, given: object = {}) {
  const azure = { endpoint: server.url, ...options.azure };
  server.replyWith(saying({ text: 'Because.' }));
  const runner = openai({ model: 'my-deployment', ...options, azure });
  await runner.run(request('Why?', given), attempt());
  const [received] = server.requests;
  if (received === undefined) throw new Error('nothing was sent');
  return received;
}

describe('a resource on Azure', () => {
  test('is asked through its current API, with its key', async () => {
    const { path, headers, body } = await ask({ apiKey });
    expect(path).toBe('/openai/v1/responses');
    expect(headers).toMatchObject({ 'api-key': apiKey });
    expect(body).toMatchObject({ model: 'my-deployment' });
  });

  test('is asked for another deployment by a task', async () => {
    const options = { apiKey, api: 'chat', azure: { apiVersion: '2024-10-21' } } as const;
    const { path } = await ask(options, { options: { model: 'other' } });
    expect(path).toBe('/openai/deployments/other/chat/completions?api-version=2024-10-21');
  });

  test('counts as OpenAI: strict schemas, and max_completion_tokens', async () => {
    const { body } = await ask(
      { apiKey, api: 'chat', maxOutputTokens: 50, azure: { apiVersion: 'preview' } },
      { outputSchema: { type: 'object', properties: {}, additionalProperties: false } },
    );
    expect(body).toMatchObject({
      max_completion_tokens: 50,
      response_format: { type: 'json_schema', json_schema: { strict: true } },
    });
  });

  test('is asked with a token for each request', async () => {
    let tokens = 0;
    const azure = { tokenProvider: async () => `token-${++tokens}` };
    const { headers } = await ask({ azure });
    expect(headers).toMatchObject({ authorization: 'Bearer token-1' });
    expect(headers).not.toHaveProperty('api-key');
  });

  test('is known from the environment', async () => {
    vi.stubEnv('AZURE_OPENAI_ENDPOINT', `${server.url}/`);
    vi.stubEnv('AZURE_OPENAI_API_KEY', apiKey);
    vi.stubEnv('OPENAI_API_VERSION', '2025-04-01-preview');
    server.replyWith(saying({ text: 'Because.' }));
    await openai({ model: 'a', azure: {} }).run(request('Why?'), attempt());
    expect(server.requests[0]?.path).toBe('/openai/responses?api-version=2025-04-01-preview');
  });

  test('without a key or an address says what is missing', async () => {
    vi.stubEnv('AZURE_OPENAI_ENDPOINT', undefined);
    vi.stubEnv('AZURE_OPENAI_API_KEY', undefined);
    const failure = (options: OpenAIOptions) => openai(options).run(request('Why?'), attempt());
    await expect(failure({ azure: {} })).rejects.toThrow('AZURE_OPENAI_API_KEY');
    await expect(failure({ apiKey, azure: {} })).rejects.toThrow('AZURE_OPENAI_ENDPOINT');
  });

  test('shows its address in the settings, and its key nowhere', () => {
    const runner = openai({ apiKey, model: 'a', azure: { resourceName: 'my-resource' } });
    expect(runner.settings).toMatchObject({
      baseURL: 'https://my-resource.openai.azure.com/openai/v1',
    });
    expect(JSON.stringify(runner) + inspect(runner, { depth: 9 })).not.toContain(apiKey);
  });
});

test.each([
  ['https://a.openai.azure.com/', 'https://a.openai.azure.com/openai/v1'],
  [
    'https://a.cognitiveservices.azure.com/openai',
    'https://a.cognitiveservices.azure.com/openai/v1',
  ],
  ['https://a.services.ai.azure.com/openai/v1/', 'https://a.services.ai.azure.com/openai/v1'],
])('the endpoint %s is reached at %s', (endpoint, baseURL) => {
  expect(addressIn({ endpoint })).toEqual({
    baseURL,
    apiVersion: undefined,
    namesDeployment: false,
  });
  expect(isOpenAI({ baseURL })).toBe(true);
});

test('a client for dated versions counts as OpenAI, whatever its address', () => {
  const client = new AzureOpenAI({
    apiKey,
    endpoint: 'http://127.0.0.1:9',
    apiVersion: '2024-10-21',
  });
  expect(isOpenAI(client)).toBe(true);
});

describe('organisation and project', () => {
  test('are headers of each request, and shown in the settings', async () => {
    server.replyWith(saying({ text: 'Because.' }));
    const account = { organization: 'org-1', project: 'proj_1' };
    const runner = openai({ apiKey, baseURL: server.url, ...account });
    await runner.run(request('Why?'), attempt());
    expect(server.requests[0]?.headers).toMatchObject({
      'openai-organization': 'org-1',
      'openai-project': 'proj_1',
    });
    expect(runner.settings).toMatchObject(account);
  });
});

test.each<[OpenAIOptions, string]>([
  [{ organization: ' ' }, 'organization must be a non-empty string'],
  [{ azure: { resource: 'a' } as never }, 'azure has no option "resource". It takes resourceName'],
  [{ azure: {}, baseURL: 'https://a.b' }, 'azure and baseURL cannot be combined'],
  [{ azure: { resourceName: 'a.b' } }, 'azure.resourceName must be the name of a resource'],
  [{ azure: { endpoint: 'a.b' } }, 'azure.endpoint must be a URL'],
  [{ azure: { endpoint: 'https://u:p@a.b' } }, 'azure.endpoint must not contain a user name'],
  [{ azure: { resourceName: 'a', endpoint: 'https://a.b' } }, 'not both'],
  [{ azure: { apiVersion: 'v 1' } }, 'azure.apiVersion must be'],
  [{ azure: { tokenProvider: 'x' as never } }, 'azure.tokenProvider must be a function'],
  [{ apiKey, azure: { tokenProvider: async () => '' } }, 'cannot be combined: remove one'],
])('options that make no sense are refused: %j', (options, message) => {
  expect(() => openai(options)).toThrow(message);
});
