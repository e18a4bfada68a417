import { expect, test } from 'vitest';
import { hypotheses, speedOf } from './hypotheses.js';

const priorOf = (max: number, matches: (knee: number) => boolean) =>
  hypotheses(max).reduce((sum, { knee, prior }) => (matches(knee) ? sum + prior : sum), 0);

test.each([1, 5, 16, 128, 1_000, 8_192])('the priors sum to 1 for at most %i in flight', (max) => {
  expect(priorOf(max, () => true)).toBeCloseTo(1, 12);
});

test('the prior of a knee does not depend on the cap', () => {
  expect(priorOf(20, (knee) => knee <= 4)).toBeCloseTo(
    priorOf(128, (knee) => knee <= 4),
    12,
  );
  expect(priorOf(1, (knee) => knee === Number.POSITIVE_INFINITY)).toBeCloseTo(1, 12);
});

test('requests slow down above the knee, not below', () => {
  const server = { knee: 4, exponent: 1.5, prior: 1 };
  expect([1, 4, 16].map((inFlight) => speedOf(server, inFlight))).toEqual([1, 1, 1 / 8]);
});
