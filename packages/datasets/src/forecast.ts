import { checkFlag, checkLimit, checkOptions, describe, OptionError } from '@stratagem/core/runner';
import { rowsWithin, type TimedRow, timesOf } from './forecast-time.js';
import { type MappedRow, startOf } from './mapped-row.js';

/** A figure, and the range that it is in with a probability of 80 %. */
export interface Range {
  readonly expected: number;
  readonly low: number;
  readonly high: number;
}

/** What rows are expected to take, judged by rows that are done. */
export interface Forecast {
  /** How many rows it is about. */
  readonly rows: number;
  /** Rows that it was learned from. */
  readonly from: number;
  /** US dollars; undefined when the price is unknown. */
  readonly costUsd?: Range | undefined;
  readonly tokens?: Range | undefined;
  /** Milliseconds, at the given number of rows at once. */
  readonly timeMs?: Range | undefined;
}

/** What one row has taken. */
export interface RowFigures {
  /** US dollars; undefined when the price is unknown, 0 when nothing was used. */
  readonly costUsd: number | undefined;
  /** Undefined when their number is unknown, 0 when none were used. */
  readonly tokens: number | undefined;
  readonly durationMs: number;
  /** As Unix time in milliseconds. */
  readonly startedAt?: number | undefined;
}

export function figuresOf(row: MappedRow<unknown>): RowFigures {
  const { costUsd, usage, durationMs, status } = row;
  const startedAt = startOf(row);
  // Nothing is charged for a refused request, or a row that could not begin.
  if (status === 'failed' && usage === undefined && costUsd === undefined) {
    return { costUsd: 0, tokens: 0, durationMs, startedAt };
  }
  const tokens = usage === undefined ? undefined : usage.inputTokens + usage.outputTokens;
  return { costUsd, tokens, durationMs, startedAt };
}

/** Whether a row says nothing about others that send requests: its answers come from earlier runs, or a cache. */
export function isFree({ reused, usage, costUsd }: MappedRow<unknown>): boolean {
  const isFromCache = costUsd === 0 && usage?.inputTokens === 0 && usage.outputTokens === 0;
  return reused === true || isFromCache;
}

export interface ForecastOptions {
  /** How many tasks may run at once. */
  readonly maxParallel: number;
  /** Whether the strategy learns how many may, so that it has seen only the beginning. */
  readonly isLearning: boolean;
}

/**
 * Predicts the sums over further rows that are like the given ones.
 *
 * @param rows How many further rows, at least 0.
 * @returns undefined without a row to learn from.
 * @throws {OptionError} when an argument is of the wrong kind.
 *
 * @example
 * forecastOf([{ costUsd: 0.01, tokens: 900, durationMs: 2_000 }], 100, { maxParallel: 8, isLearning: false });
 */
export function forecastOf(
  done: readonly RowFigures[],
  rows: number,
  options: ForecastOptions,
): Forecast | undefined {
  checkArguments(done, rows, options);
  const { maxParallel, isLearning } = options;
  if (done.length === 0) return undefined;
  // Rows that have used nothing alone do not show what the others use.
  const isUsed = done.some(({ costUsd, tokens }) => costUsd !== 0 || tokens !== 0);
  const costs = isUsed ? done.flatMap(({ costUsd }) => costUsd ?? []) : [];
  const tokens = isUsed ? done.flatMap((row) => row.tokens ?? []) : [];
  return {
    rows,
    from: done.length,
    // With a price for some of them alone, the sum would be too low.
    ...(costs.length === done.length && { costUsd: sumOf(costs, rows) }),
    ...(tokens.length === done.length && { tokens: sumOf(tokens, rows) }),
    timeMs: timeOf(done, rows, maxParallel, isLearning),
  };
}

function checkArguments(done: unknown, rows: number, options: ForecastOptions): void {
  if (!Array.isArray(done) || !done.every(areFigures)) {
    throw new OptionError(
      'forecastOf() takes a list of figures of rows: each has a durationMs and, where they are known, costUsd, tokens and startedAt',
    );
  }
  if (!(Number.isInteger(rows) && rows >= 0)) {
    throw new OptionError(`forecastOf(): rows must be an integer ≥ 0; it is ${describe(rows)}`);
  }
  checkOptions('forecastOf()', options, ['maxParallel', 'isLearning']);
  checkLimit('forecastOf()', 'maxParallel', options.maxParallel);
  checkFlag('forecastOf()', 'isLearning', options.isLearning);
}

function areFigures(row: unknown): boolean {
  const { durationMs, costUsd, tokens, startedAt } = Object(row) as Partial<RowFigures>;
  const areKnown = [costUsd, tokens, startedAt].every(
    (figure) => figure === undefined || Number.isFinite(figure),
  );
  return areKnown && Number.isFinite(durationMs);
}

/** More rows than this say hardly more about the time. */
const MAX_TIMED = 500;

function timeOf(
  done: readonly RowFigures[],
  rows: number,
  maxParallel: number,
  isLearning: boolean,
): Range {
  // Rows that could not begin say nothing about the time of the others.
  const begun = done.filter(({ durationMs }) => durationMs > 0);
  const [known, left] =
    begun.length === 0 ? [done, rows] : [begun, Math.ceil((rows * begun.length) / done.length)];
  const lanes = Math.max(1, Math.min(maxParallel, left));
  const times = timesOf(timed(known.slice(0, MAX_TIMED), lanes), left, lanes, isLearning);
  const at = (share: number) => times[Math.floor(share * (times.length - 1))] as number;
  return { expected: at(0.5), low: at(0.1), high: at(0.9) };
}

/** Rows that are not timed count as if as many had been under way as there will be. */
function timed(done: readonly RowFigures[], lanes: number): TimedRow[] {
  const rows = done.flatMap(({ durationMs, startedAt }) =>
    startedAt === undefined || durationMs <= 0 ? [] : { durationMs, startedAt },
  );
  if (rows.length < done.length) return done.map(({ durationMs }) => ({ durationMs, load: lanes }));
  return rows.map(({ durationMs, startedAt }) => ({
    ...{ durationMs, startedAt },
    load: rowsWithin(rows, startedAt, startedAt + durationMs),
  }));
}

/**
 * The sum of `rows` further values, by Student's t: the mean of a sample is uncertain, and so is each
 * further value. Few values of a skewed distribution show too little spread, so that of their logarithms counts
 * where it is wider, and the range is a factor in both directions.
 */
function sumOf(values: readonly number[], rows: number): Range {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const expected = mean * rows;
  if (rows === 0 || mean === 0) return { expected, low: expected, high: expected };
  if (count === 1) return { expected, low: expected / 3, high: expected * 3 };
  const spread = Math.max(deviationOf(values) / mean, skewedSpread(values));
  const factor = Math.exp(quantile(count - 1) * spread * Math.sqrt(1 / rows + 1 / count));
  return { expected, low: expected / factor, high: expected * factor };
}

/** The deviation relative to the mean of the log-normal distribution with these logarithms. */
function skewedSpread(values: readonly number[]): number {
  if (values.some((value) => value <= 0)) return 0;
  return Math.sqrt(Math.exp(deviationOf(values.map(Math.log)) ** 2) - 1);
}

function deviationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** The 90 % quantiles of Student's t, by degrees of freedom from 1. */
const T_90 = [3.078, 1.886, 1.638, 1.533, 1.476, 1.44, 1.415, 1.397, 1.383, 1.372];

function quantile(freedom: number): number {
  // Good to two digits beyond the table.
  return T_90[freedom - 1] ?? 1.2816 + 0.9 / freedom;
}
