import { Heap } from '@stratagem/core/strategy';
import { randomOf } from './read/random.js';

/** A row that is done: how long it took, and how many rows were under way meanwhile, itself included. */
export interface TimedRow {
  readonly durationMs: number;
  readonly load: number;
}

/** How often the rows are simulated. */
const SIMULATIONS = 100;
/** More rows take proportionally longer: the end of the last ones no longer matters. */
const MAX_ROWS = 400;
const MAX_ROWS_A_LANE = 20;

/**
 * The times that further rows may take, in ascending order: each is that of a simulation with other rows, drawn
 * from those that are done. A few rows say little about all of them, so their mean differs each time as well.
 *
 * @param lanes How many rows are worked on at once.
 */
export function timesOf(done: readonly TimedRow[], rows: number, lanes: number): number[] {
  if (rows === 0) return [0];
  const count = Math.min(rows, Math.max(MAX_ROWS, lanes * MAX_ROWS_A_LANE));
  const times = Array.from({ length: SIMULATIONS }, (_, seed) => {
    const random = randomOf(seed);
    return timeOf(sampleOf(done, lanes, random), count, lanes) * (rows / count);
  });
  return times.sort((a, b) => a - b);
}

/** Draws the duration of one more row. */
type Sample = () => number;

function sampleOf(done: readonly TimedRow[], lanes: number, random: () => number): Sample {
  const slope = slopeOf(done, random);
  const durations = done.map(({ durationMs, load }) => {
    // With as many rows under way as there will be.
    return Math.max(1, durationMs) * Math.max(1, lanes / load) ** slope;
  });
  let sum = 0;
  // The Bayesian bootstrap: how often each of them occurs among all rows is unknown, too.
  const weights = durations.map(() => {
    sum -= Math.log(1 - random());
    return sum;
  });
  const deviation = deviationOf(durations.map(Math.log));
  const factor = Math.exp(normal(random) * Math.min(1, deviation) * uncertainty(done.length));
  const width = deviation * 1.06 * done.length ** -0.2;
  return () => {
    const position = firstAbove(weights, random() * sum);
    const near = Math.exp(normal(random) * width - width ** 2 / 2);
    return (durations[position] as number) * factor * near;
  };
}

/** The position of the first of these ascending numbers that is above another, or of the last one. */
function firstAbove(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) > least) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The time of these rows, each beginning as soon as one of the rows before has ended. */
function timeOf(draw: Sample, rows: number, lanes: number): number {
  const ends = new Heap<number>((a, b) => a - b);
  let last = 0;
  for (let row = 0; row < rows; row++) {
    const start = row < lanes ? 0 : (ends.pop() as number);
    const end = start + draw();
    ends.push(end);
    last = Math.max(last, end);
  }
  return last;
}

/** What is believed before about how much slower rows are with the number under way: by its power. */
const PRIOR = { slope: 0.35, deviation: 0.3 };

/** A slope of log durations over log loads, drawn from those that fit the rows. */
function slopeOf(done: readonly TimedRow[], random: () => number): number {
  const loads = done.map(({ load }) => Math.log(Math.max(1, load)));
  const logs = done.map(({ durationMs }) => Math.log(Math.max(1, durationMs)));
  const [meanLoad, meanLog] = [average(loads), average(logs)];
  let xx = 0;
  let xy = 0;
  for (const [position, load] of loads.entries()) {
    xx += (load - meanLoad) ** 2;
    xy += (load - meanLoad) * ((logs[position] as number) - meanLog);
  }
  const noise = Math.max(0.05, deviationOf(logs)) ** 2;
  const precision = xx / noise + 1 / PRIOR.deviation ** 2;
  const mean = (xy / noise + PRIOR.slope / PRIOR.deviation ** 2) / precision;
  return Math.min(1, Math.max(0, mean + normal(random) / Math.sqrt(precision)));
}

/** The 90 % quantiles of Student's t beside that of the normal distribution, by degrees of freedom from 1. */
const T_RATIO = [2.401, 1.471, 1.278, 1.196, 1.152, 1.123, 1.104, 1.09, 1.079, 1.071];

/** What the mean of a sample varies by beyond what the weights of the bootstrap show. */
function uncertainty(count: number): number {
  const ratio = count < 2 ? 2.5 : (T_RATIO[count - 2] ?? 1 + 0.7 / count);
  const known = (count - 1) / count / (count + 1);
  return Math.sqrt(Math.max(0, ratio ** 2 / count - known));
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: readonly number[]): number {
  if (values.length < 2) return 0.5;
  const mean = average(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
