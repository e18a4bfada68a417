import { bootstrapOf, Heap, meanUncertainty } from '@stratagem/core/strategy';
import { randomOf } from './read/random.js';

/** A row that is done: how long it took, and how many rows were under way meanwhile, itself included. */
export interface TimedRow {
  readonly durationMs: number;
  readonly load: number;
  /** As Unix time in milliseconds; undefined when it is unknown. */
  readonly startedAt?: number | undefined;
}

/** How often the rows are simulated. */
const SIMULATIONS = 100;
/** More rows take proportionally longer: the end of the last ones no longer matters. */
const MAX_ROWS = 400;
const MAX_ROWS_A_LANE = 20;
/** More of them take proportionally more rows in the same time. */
const MAX_LANES = 1_000;

/**
 * The times that further rows may take, in ascending order: each is that of a simulation with other rows, drawn
 * from those that are done. A few rows say little about all of them, so their mean differs each time as well.
 *
 * @param lanes How many rows are worked on at once.
 * @param isLearning Whether that is only the most that there may be.
 */
export function timesOf(
  done: readonly TimedRow[],
  rows: number,
  lanes: number,
  isLearning: boolean,
): number[] {
  if (rows === 0) return [0];
  const pace = paceOf(done, lanes);
  const seen = pace?.atOnce ?? Math.max(...done.map(({ load }) => load));
  const isFull = Math.abs(seen / lanes - 1) <= FULL;
  const times = Array.from({ length: SIMULATIONS }, (_, seed) => {
    const random = randomOf(seed);
    const drift = Math.exp(DRIFT * normal(random));
    // Rows waited, and yet places were free: something else decides how fast rows are done.
    if (pace !== undefined && !isFull) {
      const gain = isLearning ? gainOf(lanes / seen, random) : 1;
      const rate = pace.rate * Math.exp(pace.deviation * normal(random)) * gain;
      return (rows / rate) * drift + pace.tailMs;
    }
    const at = isLearning ? Math.min(lanes, seen) : lanes;
    const gain = isLearning ? gainOf(lanes / at, random) : 1;
    const share = Math.min(1, MAX_LANES / at);
    const [few, places] = [Math.ceil(rows * share), Math.ceil(at * share)];
    const count = Math.min(few, Math.max(MAX_ROWS, places * MAX_ROWS_A_LANE));
    const time = timeOf(sampleOf(done, at, pace !== undefined, random), count, places);
    return (time * (few / count) * drift) / gain;
  });
  return times.sort((a, b) => a - b);
}

/** Rows under way are as many as may be if they differ from it by no more. */
const FULL = 0.15;
/** By how much a server is faster or slower later, as the deviation of the logarithm. */
const DRIFT = 0.04;
/** Rows that must have waited for a place, to show how fast they are done. */
const MIN_WAITED = 8;
const BLOCKS = 4;

/** How fast rows were done while others waited. */
interface Pace {
  /** Rows per millisecond, and the deviation of its logarithm. */
  readonly rate: number;
  readonly deviation: number;
  /** The mean number of rows under way. */
  readonly atOnce: number;
  /** What the last rows take after all have begun. */
  readonly tailMs: number;
}

/** Undefined when too few rows waited for a place. */
function paceOf(done: readonly TimedRow[], lanes: number): Pace | undefined {
  const rows = done.flatMap(({ startedAt, durationMs }) =>
    startedAt === undefined ? [] : { startedAt, durationMs },
  );
  const first = Math.min(...rows.map(({ startedAt }) => startedAt));
  const ends = rows.map(({ startedAt, durationMs }) => startedAt + durationMs);
  ends.sort((a, b) => a - b);
  // From the end of this one on, places may have been free.
  const count = rows.length - Math.min(peakOf(rows), lanes);
  if (count < MIN_WAITED) return undefined;
  const at = (position: number) => ends[Math.floor(position)] as number;
  const until = at(count - 1);
  const spans = Array.from({ length: BLOCKS }, (_, block) => {
    const step = (count - 1) / BLOCKS;
    return Math.log(Math.max(1, at((block + 1) * step) - at(block * step)));
  });
  return {
    // At the beginning, no row can have ended.
    rate: (count - 0.5) / (until - (first + at(0)) / 2),
    deviation: Math.hypot(deviationOf(spans) / Math.sqrt(BLOCKS), 1 / count) * 0.8,
    atOnce: rowsWithin(rows, first, until),
    tailMs: average(rows.map(({ durationMs }) => durationMs)) / 2,
  };
}

/** The most rows that were under way at once. */
function peakOf(rows: readonly { readonly startedAt: number; readonly durationMs: number }[]) {
  const changes = rows.flatMap(({ startedAt, durationMs }) => [
    { at: startedAt, by: 1 },
    { at: startedAt + durationMs, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let under = 0;
  let peak = 0;
  for (const { by } of changes) {
    under += by;
    peak = Math.max(peak, under);
  }
  return peak;
}

/** The mean number of rows that were under way. */
export function rowsWithin(
  rows: readonly { readonly startedAt: number; readonly durationMs: number }[],
  from: number,
  to: number,
): number {
  let together = 0;
  for (const { startedAt, durationMs } of rows) {
    together += Math.max(0, Math.min(to, startedAt + durationMs) - Math.max(from, startedAt));
  }
  return together / (to - from);
}

/** How much faster rows are done with more of them at once: not at all, or by a power of their number. */
function gainOf(more: number, random: () => number): number {
  if (more <= 1) return 1;
  return more ** Math.min(1, Math.max(-0.05, (random() - 0.35) * 2));
}

/** Draws the duration of one more row. */
type Sample = () => number;

function sampleOf(
  done: readonly TimedRow[],
  lanes: number,
  hasWaited: boolean,
  random: () => number,
): Sample {
  const slope = slopeOf(hasWaited ? done : [], random);
  const durations = done.map(({ durationMs, load }) => {
    // With as many rows under way as there will be.
    return Math.max(1, durationMs) * Math.max(1, lanes / load) ** slope;
  });
  const draw = bootstrapOf(durations.length, random);
  const deviation = deviationOf(durations.map(Math.log));
  const factor = Math.exp(normal(random) * Math.min(1, deviation) * uncertainty(done.length));
  const width = deviation * 1.06 * done.length ** -0.2;
  return () => {
    const position = draw(random);
    const near = Math.exp(normal(random) * width - width ** 2 / 2);
    return (durations[position] as number) * factor * near;
  };
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
const PRIOR = { slope: 0.65, deviation: 0.65 };

/** A slope of log durations over log loads, drawn from those that fit the rows. */
function slopeOf(done: readonly TimedRow[], random: () => number): number {
  // Of rows that all began at once, the longest have seen the lowest load.
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
  return Math.min(1.5, Math.max(0, mean + normal(random) / Math.sqrt(precision)));
}

/** What the mean of a sample varies by beyond what the weights of the bootstrap show: one row says little. */
function uncertainty(count: number): number {
  return count < 2 ? ONE_ROW : meanUncertainty(count);
}

const ONE_ROW = 2.5;

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
