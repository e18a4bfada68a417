import { expect, test } from 'vitest';
import { hypotheses } from '../estimate/hypotheses.js';
import { decide, type Estimate, type Situation } from './decide.js';
import { ExpectedLoss } from './expected-loss.js';
import { ObservationWindow } from './observation-window.js';
import { WHOLE } from './step-sizes.js';

const MAX = 128;
const all = hypotheses(MAX);

/** An estimate that is certain of a knee; without one, that requests never slow each other down. */
function certainOf(knee: number | undefined, more: Partial<Estimate> = {}): Estimate {
  const certain = all.findIndex((each) =>
    knee === undefined ? each.exponent === 0 : each.knee === knee && each.exponent === 1.5,
  );
  const isAbove = (inFlight: number) => (knee !== undefined && knee < inFlight ? 1 : 0);
  return {
    probabilities: Float64Array.from(all, (_, h) => (h === certain ? 1 : 0)),
    saturationProbability: isAbove,
    slowdownProbability: isAbove,
    likeliestKnee: knee ?? MAX,
    slowdownLogOdds: 0,
    speedupLogOdds: 0,
    ...more,
  };
}

function situation(limit: number, answers: number, more: Partial<Situation> = {}): Situation {
  const window = new ObservationWindow();
  for (let count = 0; count < answers; count++) window.record(true, limit, limit);
  const expectedLoss = new ExpectedLoss(all, 0.1, MAX);
  const rest = { probeFrom: undefined, max: MAX, harmless: limit, stepSizes: WHOLE };
  return { limit, window, expectedLoss, ...rest, ...more };
}

const busy = { inFlight: 16, ready: 100, waiting: 100 };

test('the limit rises while throughput grows, but not above what refusals allow', () => {
  const raise = decide(certainOf(undefined), situation(16, 16), busy);
  expect(raise).toMatchObject({ kind: 'raise', limit: 24 });
  const capped = decide(certainOf(undefined), situation(16, 16, { max: 18 }), busy);
  expect(capped).toMatchObject({ kind: 'raise', limit: 18 });
  expect(decide(certainOf(undefined), situation(16, 16, { max: 16 }), busy)).toBeUndefined();
});

test('the limit does not rise before enough answers', () => {
  expect(decide(certainOf(undefined), situation(16, 2), busy)).toBeUndefined();
});

test('the limit falls to the knee, if requests are slowed', () => {
  expect(decide(certainOf(4), situation(16, 16), busy)).toMatchObject({ kind: 'lower', limit: 4 });
  const unsure = certainOf(4, { slowdownProbability: () => 0.3 });
  expect(decide(unsure, situation(16, 16), busy)).toBeUndefined();
});

test('missing answers lower the limit at once', () => {
  const slower = certainOf(16, { slowdownLogOdds: 11 });
  expect(decide(slower, situation(16, 41), busy)).toMatchObject({ kind: 'slower', limit: 4 });
  const unsure = certainOf(16, { slowdownLogOdds: 9 });
  expect(decide(unsure, situation(16, 41), busy)?.kind).not.toBe('slower');
});

test('a probe at a higher limit starts after some rounds, and ends', () => {
  const found = certainOf(16);
  expect(decide(found, situation(16, 96), busy)).toBeUndefined();
  expect(decide(found, situation(16, 97), busy)).toMatchObject({ kind: 'probe', limit: 24 });
  const probing = (answers: number, speedupLogOdds: number) =>
    decide({ ...found, speedupLogOdds }, situation(24, answers, { probeFrom: 16 }), busy);
  expect(probing(15, 0)).toBeUndefined();
  expect(probing(16, 0)).toMatchObject({ kind: 'end_probe', limit: 16 });
  expect(probing(1, 7)).toMatchObject({ kind: 'faster', limit: 24 });
});

test('a decision changes nothing', () => {
  const [estimate, before] = [certainOf(4), situation(16, 16)];
  expect(decide(estimate, before, busy)).toEqual(decide(estimate, before, busy));
});
