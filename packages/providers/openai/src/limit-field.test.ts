import { attempt, json, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { saying } from '../test/model.js';
import { openai } from './openai.js';

const server = testServer('/v1');
const error = (message: string) => json(400, { error: { message } });
const create = () =>
  openai({ apiKey: 'sk-test', baseURL: server.url, model: 'm', maxOutputTokens: 50 });
const fieldsSent = () =>
  server.requests.map(({ body }) => Object.keys(body).filter((name) => name.startsWith('max_')));

describe('a server that does not know max_tokens', () => {
  test.each([
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    'Unrecognized request argument supplied: max_tokens',
    'body.max_tokens: Extra inputs are not permitted',
  ])('gets the other name, also in later requests: %s', async (message) => {
    const runner = create();
    const context = attempt();
    server.replyWith(error(message), saying({ text: 'Yes.' }), saying({ text: 'Yes.' }));
    expect(await runner.run(request('Why?'), context)).toMatchObject({ output: 'Yes.' });
    await runner.run(request('And?'), attempt());
    expect(fieldsSent()).toEqual([
      ['max_tokens'],
      ['max_completion_tokens'],
      ['max_completion_tokens'],
    ]);
    expect(context.parts).toMatchObject([
      { kind: 'notice', message: expect.stringContaining('max_completion_tokens') },
    ]);
  });

  test('and not the other name either is asked twice at most', async () => {
    server.replyWith(
      error('Unknown parameter: max_tokens'),
      error('Unknown parameter: max_completion_tokens'),
    );
    await expect(create().run(request('Why?'), attempt())).rejects.toThrow('max_completion_tokens');
    expect(server.requests).toHaveLength(2);
  });
});

test.each([
  'max_tokens is too large: 50. This model supports at most 10 tokens',
  'Unsupported parameter: temperature',
])('another refusal is not about the name: %s', async (message) => {
  server.replyWith(error(message));
  await expect(create().run(request('Why?'), attempt())).rejects.toMatchObject({
    code: 'invalid_request',
  });
  expect(server.requests).toHaveLength(1);
});
