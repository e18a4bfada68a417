import { expect, test } from 'vitest';
import { quantitiesUsed } from './quantities.js';
import { TokenEstimate, tokensOf } from './token-estimate.js';

/** The tokens of a prompt of this length. */
const textOf = (length: number) => tokensOf({ prompt: 'x'.repeat(length) });

test('before any response, it estimates a token per four characters of prompt, and 500 for the output', () => {
  expect(new TokenEstimate().of(textOf(401))).toEqual({
    requests: 1,
    tokens: 601,
    inputTokens: 101,
    outputTokens: 500,
  });
});

test('outputs are estimated by a moving average of earlier ones', () => {
  const estimate = new TokenEstimate();
  estimate.learn(textOf(400), quantitiesUsed({ inputTokens: 100, outputTokens: 80 }));
  expect(estimate.of(0).outputTokens).toBe(80);
  estimate.learn(textOf(400), quantitiesUsed({ inputTokens: 100, outputTokens: 40 }));
  expect(estimate.of(0).outputTokens).toBe(60);
  for (let answer = 0; answer < 100; answer++) {
    estimate.learn(textOf(400), quantitiesUsed({ inputTokens: 100, outputTokens: 1_000 }));
  }
  expect(estimate.of(0).outputTokens).toBeGreaterThan(990);
});

test('the overhead of each prompt is learned', () => {
  const estimate = new TokenEstimate();
  estimate.learn(textOf(400), quantitiesUsed({ inputTokens: 3_100, outputTokens: 80 }));
  expect(estimate.of(textOf(4_000)).inputTokens).toBe(4_000);
});

test('a prompt has at least one token, even after overestimates', () => {
  const estimate = new TokenEstimate();
  estimate.learn(textOf(4_000), quantitiesUsed({ inputTokens: 10, outputTokens: 80 }));
  expect(estimate.of(textOf(1)).inputTokens).toBe(1);
});

test('cached input does not count towards a separate input limit', () => {
  const estimate = new TokenEstimate();
  const usage = { inputTokens: 9_000, cachedInputTokens: 8_000, outputTokens: 50 };
  estimate.learn(0, quantitiesUsed(usage));
  expect(estimate.of(0)).toMatchObject({ tokens: 9_050, inputTokens: 1_000 });
});

test('attachments count by their types and sizes', () => {
  const fileOf = (mediaType: string, size: number) => ({
    ...{ filename: 'a', mediaType, size, data: new Uint8Array(), sha256: '0' },
  });
  const addressOf = (mediaType: string) => ({ filename: 'a', mediaType, url: 'https://a.b/c' });
  const tokensOfOne = (attachment: Parameters<typeof tokensOf>[0]['attachments']) =>
    tokensOf({ prompt: 'x'.repeat(400), attachments: attachment }) - 100;
  expect(tokensOfOne([fileOf('image/png', 3_000_000)])).toBe(1_500);
  expect(tokensOfOne([addressOf('image/jpeg')])).toBe(1_500);
  expect(tokensOfOne([fileOf('text/markdown', 40_000)])).toBe(10_000);
  expect(tokensOfOne([fileOf('application/json', 400)])).toBe(100);
  expect(tokensOfOne([fileOf('application/pdf', 10_000)])).toBe(2_000);
  expect(tokensOfOne([fileOf('application/pdf', 500_000)])).toBe(20_000);
  expect(tokensOfOne([addressOf('application/pdf')])).toBe(2_000);
  expect(tokensOfOne([fileOf('image/png', 1), fileOf('text/plain', 4)])).toBe(1_501);
});
