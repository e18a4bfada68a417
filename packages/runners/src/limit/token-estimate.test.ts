import { expect, test } from 'vitest';
import { amountsUsed } from './quantities.js';
import { TokenEstimate } from './token-estimate.js';

test('before any answer, a prompt has a token for four characters, and an answer 500', () => {
  expect(new TokenEstimate().of('x'.repeat(401))).toEqual({
    requests: 1,
    tokens: 601,
    inputTokens: 101,
    outputTokens: 500,
  });
});

test('answers are taken to be as long as they were, and more so by the last of them', () => {
  const estimate = new TokenEstimate();
  estimate.learn('x'.repeat(400), amountsUsed({ inputTokens: 100, outputTokens: 80 }));
  expect(estimate.of('').outputTokens).toBe(80);
  estimate.learn('x'.repeat(400), amountsUsed({ inputTokens: 100, outputTokens: 40 }));
  expect(estimate.of('').outputTokens).toBe(60);
  for (let answer = 0; answer < 100; answer++) {
    estimate.learn('x'.repeat(400), amountsUsed({ inputTokens: 100, outputTokens: 1_000 }));
  }
  expect(estimate.of('').outputTokens).toBeGreaterThan(990);
});

test('what goes along with each prompt is learned', () => {
  const estimate = new TokenEstimate();
  estimate.learn('x'.repeat(400), amountsUsed({ inputTokens: 3_100, outputTokens: 80 }));
  expect(estimate.of('x'.repeat(4_000)).inputTokens).toBe(4_000);
});

test('no prompt is without tokens, even where they are fewer than thought', () => {
  const estimate = new TokenEstimate();
  estimate.learn('x'.repeat(4_000), amountsUsed({ inputTokens: 10, outputTokens: 80 }));
  expect(estimate.of('x').inputTokens).toBe(1);
});

test('what the server has in its cache is no input where that has a limit of its own', () => {
  const estimate = new TokenEstimate();
  const usage = { inputTokens: 9_000, cachedInputTokens: 8_000, outputTokens: 50 };
  estimate.learn('', amountsUsed(usage));
  expect(estimate.of('')).toMatchObject({ tokens: 9_050, inputTokens: 1_000 });
});
