import { expect, test } from 'vitest';
import { CONTEXT } from './model.js';
import { askedTokens, requestMix } from './requests.js';
import { WORDS } from './vocabulary.js';

test('a mix is the same for the same seed, and another for another', () => {
  expect(requestMix(20, 1)).toEqual(requestMix(20, 1));
  expect(requestMix(20, 1)).not.toEqual(requestMix(20, 2));
});

test('the server finds the length of the answer in the prompt', () => {
  for (const { prompt, outputTokens } of requestMix(50, 3)) {
    expect(askedTokens(prompt)).toBe(outputTokens);
  }
  expect(askedTokens('answer with 8 tokens. And more.')).toBeUndefined();
});

test('prompts and answers are mixed in length and fit into the context', () => {
  const requests = requestMix(200, 1);
  const outputs = requests.map(({ outputTokens }) => outputTokens);
  expect(Math.min(...outputs)).toBeLessThan(12);
  expect(Math.max(...outputs)).toBeGreaterThan(80);
  const words = requests.map(({ prompt }) => prompt.split(' ').length);
  expect(Math.min(...words)).toBeLessThan(25);
  expect(Math.max(...words)).toBeGreaterThan(200);
  // Words of the vocabulary are one token; the last sentence takes fewer than twenty.
  const most = requests.map(({ outputTokens }, index) => (words[index] ?? 0) + 20 + outputTokens);
  expect(Math.max(...most)).toBeLessThan(CONTEXT);
  const [{ prompt } = { prompt: '' }] = requests;
  const body = prompt.slice(0, prompt.indexOf('.')).split(' ');
  expect(body.every((word) => WORDS.includes(word))).toBe(true);
});
