import { expect, test } from 'vitest';
import { quantitiesUsed } from './quantities.js';
import { TokenEstimate } from './token-estimate.js';

test('before any response, it estimates a token per four characters of prompt, and 500 for the output', () => {
  expect(new TokenEstimate().of('x'.repeat(401))).toEqual({
    requests: 1,
    tokens: 601,
    inputTokens: 101,
    outputTokens: 500,
  });
});

test('outputs are estimated by a moving average of earlier ones', () => {
  const estimate = new TokenEstimate();
  estimate.learn('x'.repeat(400), quantitiesUsed({ inputTokens: 100, outputTokens: 80 }));
  expect(estimate.of('').outputTokens).toBe(80);
  estimate.learn('x'.repeat(400), quantitiesUsed({ inputTokens: 100, outputTokens: 40 }));
  expect(estimate.of('').outputTokens).toBe(60);
  for (let answer = 0; answer < 100; answer++) {
    estimate.learn('x'.repeat(400), quantitiesUsed({ inputTokens: 100, outputTokens: 1_000 }));
  }
  expect(estimate.of('').outputTokens).toBeGreaterThan(990);
});

test('the overhead of each prompt is learned', () => {
  const estimate = new TokenEstimate();
  estimate.learn('x'.repeat(400), quantitiesUsed({ inputTokens: 3_100, outputTokens: 80 }));
  expect(estimate.of('x'.repeat(4_000)).inputTokens).toBe(4_000);
});

test('a prompt has at least one token, even after overestimates', () => {
  const estimate = new TokenEstimate();
  estimate.learn('x'.repeat(4_000), quantitiesUsed({ inputTokens: 10, outputTokens: 80 }));
  expect(estimate.of('x').inputTokens).toBe(1);
});

test('cached input does not count towards a separate input limit', () => {
  const estimate = new TokenEstimate();
  const usage = { inputTokens: 9_000, cachedInputTokens: 8_000, outputTokens: 50 };
  estimate.learn('', quantitiesUsed(usage));
  expect(estimate.of('')).toMatchObject({ tokens: 9_050, inputTokens: 1_000 });
});
