import {
  type Budget,
  type ExecutorOptions,
  type InputValues,
  OptionError,
  type Plan,
  type RunEvent,
  type TaskRunner,
} from '@stratagem/core';
import { checkFlag, checkLimit, checkOptions } from '@stratagem/core/runner';
import type { Forecast } from './forecast.js';
import type { ColumnBinding } from './row-plan.js';

/** The values that a run of a plan needs. */
export type GivenInputs<P> = P extends Plan<infer _, infer Given> ? Given : unknown;

/** The column for each input, as far as the types know both. */
type Columns<Inputs, Row> = unknown extends Inputs
  ? ColumnBinding
  : { readonly [Name in keyof Inputs]?: keyof Row & string };

/** What a map asks before it goes on. */
export interface MapQuestion {
  /** `sample`: the sample is done. `plan_changed`: rows that are done would be done again. */
  readonly kind: 'sample' | 'plan_changed';
  /**
   * Rows that are left to do; undefined when the number of rows is unknown. With `again`, those that will send requests: of
   * more than 20,000 rows, some groups are looked at, and the others are taken to be like them.
   */
  readonly rowsLeft: number | undefined;
  /** What they are expected to take; undefined while nothing is known about them. */
  readonly forecast: Forecast | undefined;
}

/** Options of `mapDataset`: those of `createExecutor`, and these. */
export interface MapOptions<Inputs = InputValues, Row = unknown>
  extends Omit<
    ExecutorOptions,
    'outputs' | 'timeline' | 'onEvent' | 'replan' | 'reuse' | 'redact'
  > {
  /**
   * The id of the map in its journal. A map with the id of an earlier one continues it: rows that are
   * done are not done again. At most 100 letters, digits, `.`, `_` and `-`, not starting with `.`.
   * @default a random one
   */
  readonly mapId?: string | undefined;
  /**
   * Where the inputs of the plan come from: the name of a column for each input, or a function from a row
   * to the inputs.
   * @default each input has the column of its own name
   */
  readonly bind?: Columns<Inputs, Row> | ((row: Row) => Inputs) | undefined;
  /** Values for inputs that are the same for all rows. */
  readonly inputs?: Partial<Inputs> | undefined;
  /**
   * Whether the values of rows are texts, as in CSV. Cells for inputs of other types are then read as
   * JSON: `3`, `true`, `["a"]`.
   * @default false
   */
  readonly textCells?: boolean | undefined;
  /**
   * Does so many rows first, and then asks `confirm` with a forecast of the rest.
   * @default there is no sample
   */
  readonly sample?: number | undefined;
  /**
   * How many rows there are, for forecasts; a function is called when it is needed.
   * @default the length of a list; otherwise unknown
   */
  readonly total?: number | (() => number | undefined | Promise<number | undefined>) | undefined;
  /**
   * Reads the rows once more, from the first one and in the same order, so that questions are about the rows that
   * will send requests: those that are recorded are free.
   * @default a list is read again; other rows are not, and all that are left count
   */
  readonly again?: (() => Iterable<Row> | AsyncIterable<Row>) | undefined;
  /**
   * Decides whether the map goes on after its sample, and whether rows that are done are done again
   * because the plan has changed. After `false`, the map ends as `stopped`.
   * @default it goes on
   */
  readonly confirm?: ((question: MapQuestion) => boolean | Promise<boolean>) | undefined;
  /**
   * Whether rows that have failed before are done again.
   * @default false
   */
  readonly retryFailed?: boolean | undefined;
  /**
   * Whether unchanged rows of earlier maps in the journal are reused, wherever they were.
   * @default true with a journal
   */
  readonly reuse?: boolean | undefined;
  /**
   * How many rows one run works on. A few runs are open at once, so this bounds the rows in memory.
   * @default 1_000
   */
  readonly rowsPerRun?: number | undefined;
  /**
   * How many runs may be open, those included whose rows wait for an earlier one.
   * @default 8
   */
  readonly maxOpenRuns?: number | undefined;
  /**
   * A runner over a Batch API, such as `openaiBatch()`: half the price, within a day. Tasks that it can
   * carry out go there, and all others to their own runner. With it, `rowsPerRun` is 10,000 and
   * `maxOpenRuns` is 5 by default, so that jobs are large.
   * @default there is none
   */
  readonly batch?: TaskRunner | undefined;
  /** Called for each event of each run. */
  readonly onEvent?: ((event: RunEvent, runId: string) => void) | undefined;
  /**
   * Limits of the whole map: `tokens` and `costUsd`. With a budget, one run ends before the next begins.
   * @default none
   */
  readonly budget?: Budget | undefined;
}

const MAP_OPTIONS = [
  'mapId',
  'bind',
  'inputs',
  'textCells',
  'sample',
  'total',
  'again',
  'confirm',
  'retryFailed',
  'reuse',
  'rowsPerRun',
  'maxOpenRuns',
  'batch',
] as const;

const EXECUTOR_OPTIONS = [
  ...['strategy', 'runner', 'runners', 'tools', 'commands', 'files', 'maxParallel', 'resources'],
  ...['failFast', 'deadlineMs', 'timeoutMs', 'idleTimeoutMs', 'retry', 'budget', 'prices'],
  ...['maxDepth', 'abortGraceMs', 'onAbandoned', 'signal', 'onEvent', 'journal', 'attachments'],
  ...['maxOutputBytes', 'codecs', 'carrier', 'seed', 'wantsText', 'instrumentation'],
];

const MAP_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/** @throws {OptionError} when an option is unknown or out of range. */
export function checkMapOptions(options: MapOptions<never, never>): void {
  const owner = 'mapDataset()';
  checkOptions(owner, options, [...MAP_OPTIONS, ...EXECUTOR_OPTIONS]);
  const { mapId, bind, sample, confirm, retryFailed, reuse, rowsPerRun, maxOpenRuns } = options;
  if (mapId !== undefined && !(typeof mapId === 'string' && MAP_ID.test(mapId))) {
    const accepted = 'letters, digits, ".", "_" and "-", 100 at most, and no "." in front';
    throw new OptionError(`${owner}: mapId must have ${accepted}`);
  }
  if (bind !== undefined && typeof bind !== 'function' && (typeof bind !== 'object' || !bind)) {
    throw new OptionError(`${owner}: bind must be a column for each input, or a function`);
  }
  if (sample !== undefined) checkLimit(owner, 'sample', sample);
  if (rowsPerRun !== undefined) checkLimit(owner, 'rowsPerRun', rowsPerRun);
  if (maxOpenRuns !== undefined) checkLimit(owner, 'maxOpenRuns', maxOpenRuns);
  if (options.again !== undefined && typeof options.again !== 'function') {
    throw new OptionError(`${owner}: again must be a function that returns the rows`);
  }
  if (confirm !== undefined && typeof confirm !== 'function') {
    throw new OptionError(`${owner}: confirm must be a function`);
  }
  if (retryFailed !== undefined) checkFlag(owner, 'retryFailed', retryFailed);
  if (retryFailed && options.journal === undefined) {
    throw new OptionError(`${owner}: retryFailed needs a journal, which has the failed rows`);
  }
  if (reuse !== undefined) checkFlag(owner, 'reuse', reuse);
  if (reuse && options.journal === undefined) {
    throw new OptionError(`${owner}: reuse needs a journal, which has the earlier rows`);
  }
  checkMapBudget(owner, options.budget);
  const { batch, runner } = options;
  if (batch === undefined) return;
  if (typeof batch?.run !== 'function')
    throw new OptionError(`${owner}: batch must be a TaskRunner`);
  if (typeof runner === 'string' || runner === undefined) {
    throw new OptionError(`${owner}: batch needs a runner for the tasks that it cannot carry out`);
  }
}

/** @throws {OptionError} for limits that several runs cannot share. */
export function checkMapBudget(owner: string, budget: Budget | undefined): void {
  if (budget?.tasks !== undefined) {
    throw new OptionError(`${owner}: a map has no budget of tasks: give it fewer rows`);
  }
  if (budget?.wallTimeMs !== undefined) {
    throw new OptionError(`${owner}: a map has no budget of wallTimeMs: use deadlineMs`);
  }
}

/** The options for the executor of the map. */
export function executorOptionsOf(options: MapOptions<never, never>): ExecutorOptions {
  const given = Object.entries(options).filter(
    ([name, value]) =>
      value !== undefined &&
      !(MAP_OPTIONS as readonly string[]).includes(name) &&
      !['signal', 'onEvent', 'budget', 'deadlineMs'].includes(name),
  );
  return Object.fromEntries(given) as unknown as ExecutorOptions;
}
