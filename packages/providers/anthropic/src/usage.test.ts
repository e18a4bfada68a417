import { attempt, request, testServer } from '@stratagem/test-kit';
import { describe, expect, test } from 'vitest';
import { stream } from '../test/streams.js';
import { anthropic } from './anthropic.js';

const server = testServer();

/** The stream of a message with these counts at its start and at its end. */
function saying(started: unknown, last: unknown) {
  return stream([
    {
      type: 'message_start',
      message: { type: 'message', role: 'assistant', model: 'm-1', content: [], usage: started },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Because.' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: last },
    { type: 'message_stop' },
  ]);
}

const ask = (model = 'a-model') =>
  anthropic({ model, apiKey: 'sk-test', baseURL: server.url }).run(request('Why?'), attempt());

describe('the usage of a message', () => {
  test.each<[string, unknown, unknown, object | undefined]>([
    [
      'of Anthropic',
      {
        input_tokens: 10,
        cache_read_input_tokens: 90,
        cache_creation_input_tokens: 5,
        output_tokens: 1,
      },
      { output_tokens: 20, output_tokens_details: { thinking_tokens: 8 } },
      {
        ...{ inputTokens: 105, cachedInputTokens: 90, cacheWriteInputTokens: 5 },
        ...{ outputTokens: 20, reasoningTokens: 8 },
      },
    ],
    [
      'of a gateway that counts at the end',
      { input_tokens: 0, output_tokens: 0 },
      { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 4 },
      { inputTokens: 14, outputTokens: 20, cachedInputTokens: 4 },
    ],
    [
      'of a gateway that ends with 0',
      { input_tokens: 10, output_tokens: 3 },
      { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: null },
      { inputTokens: 10, outputTokens: 3 },
    ],
    ['with null', { input_tokens: null, output_tokens: null }, null, undefined],
    [
      'with negative counts',
      { input_tokens: -1, output_tokens: -1 },
      { output_tokens: -1 },
      undefined,
    ],
    ['that is missing', undefined, undefined, undefined],
  ])('%s', async (_, started, last, usage) => {
    server.replyWith(saying(started, last));
    const answer = await ask();
    expect(answer.output).toBe('Because.');
    expect(answer.usage).toEqual(usage);
  });

  test('has a cost by the list of prices', async () => {
    server.replyWith(saying({ input_tokens: 1_000, output_tokens: 1 }, { output_tokens: 100 }));
    expect((await ask('claude-sonnet-5-5')).costUsd).toBeCloseTo(0.003);
    expect((await ask()).costUsd).toBeUndefined();
  });

  test('has a cost that tells an hour in the prompt cache from minutes', async () => {
    const counts = { input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 1_000_000 };
    const cache_creation = {
      ephemeral_5m_input_tokens: 600_000,
      ephemeral_1h_input_tokens: 400_000,
    };
    server.replyWith(saying({ ...counts, cache_creation }, { output_tokens: 0 }));
    const { usage, costUsd } = await ask('claude-sonnet-5-5');
    expect(usage).toMatchObject({ inputTokens: 1_000_000, cacheWriteInputTokens: 1_000_000 });
    expect(costUsd).toBeCloseTo(0.6 * 2.5 + 0.4 * 4);
  });
});
