import { expect, test } from 'vitest';
import { hypotheses, speedOf } from './hypotheses.js';

const priorOf = (max: number, isOne: (knee: number) => boolean) =>
  hypotheses(max).reduce((sum, { knee, prior }) => (isOne(knee) ? sum + prior : sum), 0);

test.each([1, 5, 16, 128, 1_000, 8_192])('are all that may be, up to %i', (max) => {
  expect(priorOf(max, () => true)).toBeCloseTo(1, 12);
});

test('hold a knee for as likely however few are allowed', () => {
  expect(priorOf(20, (knee) => knee <= 4)).toBeCloseTo(
    priorOf(128, (knee) => knee <= 4),
    12,
  );
  expect(priorOf(1, (knee) => knee === Number.POSITIVE_INFINITY)).toBeCloseTo(1, 12);
});

test('slow requests down past the knee, not before', () => {
  const server = { knee: 4, exponent: 1.5, prior: 1 };
  expect([1, 4, 16].map((inFlight) => speedOf(server, inFlight))).toEqual([1, 1, 1 / 8]);
});
