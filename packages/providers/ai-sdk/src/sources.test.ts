import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { attempt, request } from '@stratagem/test-kit';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { expect, test } from 'vitest';
import { partsOf } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

test('sources of a model become citations', async () => {
  const sources: LanguageModelV4StreamPart[] = [
    { type: 'source', sourceType: 'url', id: '1', url: 'https://a.example/tides', title: 'Tides' },
    { type: 'source', sourceType: 'url', id: '2', url: 'https://a.example/tides', title: 'Tides' },
    {
      ...{ type: 'source', sourceType: 'document', id: '3' },
      ...{ title: 'paper.pdf', mediaType: 'application/pdf' },
    },
  ];
  const [first, second, ...rest] = partsOf({ text: 'The moon.' });
  const parts = [first, second, ...sources, ...rest] as LanguageModelV4StreamPart[];
  const model = new MockLanguageModelV4({
    doStream: async () => ({ stream: convertArrayToReadableStream(parts) }),
  });
  const answer = await aiSdk(model, { stream: true }).run(request('Why?'), attempt());
  expect(answer).toMatchObject({
    output: 'The moon.',
    citations: [{ url: 'https://a.example/tides', title: 'Tides' }, { title: 'paper.pdf' }],
  });
});
