/*
 * How a map runs, and why.
 *
 * A map is a chain of ordinary runs. Each run works on a group of rows (1,000 by default): a fan-out
 * over the rows, with the plan of the user as a module. The next run begins when most rows of the
 * latest one have started, so that no place stays free. A few runs are open at once, and results are
 * given out in the order of the rows.
 *
 * One run for each row would need a record, a lease and a copy of the plan for each row. Measured with
 * the SQLite journal, that takes 1.4 ms of a row; a row in a group takes 0.5 ms. One run for all rows
 * would keep a million rows in its kernel. Groups bound the memory, and everything else is there
 * already:
 *
 * - The journal holds each row once, in the `run_started` event of its group. Resuming, retrying failed
 *   rows, reports, `why` and `show` are those of any run.
 * - Reuse is that of any run. Positions are no part of the content keys, so rows may move.
 * - All runs share the executor with its caps and rate limits, and one scheduler (`shared-strategy.ts`),
 *   so what an adaptive strategy learns from one row holds for all.
 * - The map itself adds up totals, shares out its budget, and keeps its deadline.
 *
 * The ids of the runs are those of the map with the number of the group: `reviews.000001`. A later map
 * with the same id finds them. A group whose rows and plan are unchanged is resumed. Any other one
 * becomes a new run (`reviews.000001.r2`), which reuses what is unchanged.
 */
import {
  createExecutor,
  type Executor,
  type InputValues,
  isStratagemError,
  OptionError,
  type Plan,
  PlanChangedError,
  PlanError,
  type ResultsOf,
  type RunEvent,
  type RunHandle,
  StratagemError,
  type TaskRunner,
  validatePlan,
} from '@stratagem/core';
import { checkStrategy } from '@stratagem/core/strategy';
import { batchLane } from './batch-lane.js';
import { BudgetShare } from './budget-share.js';
import { figuresOf, forecastOf, type RowFigures } from './forecast.js';
import { type History, historyOf, latestRuns } from './history.js';
import { type MappedRow, RowFold } from './mapped-row.js';
import {
  checkMapBudget,
  checkMapOptions,
  executorOptionsOf,
  type GivenInputs,
  type MapOptions,
  type MapQuestion,
} from './options.js';
import {
  type BindingOptions,
  bindRows,
  declaredInputs,
  planForRows,
  type RowBinding,
  rowsName,
} from './row-plan.js';
import { Segment } from './segment.js';
import { checkRows, type RowGroup, type Rows, SegmentSource } from './segment-source.js';
import { sharedStrategy } from './shared-strategy.js';
import { type MapSummary, Totals } from './summary.js';

const ROWS_PER_RUN = 1_000;
const MAX_OPEN_RUNS = 8;
/** A full job of a Batch API. */
const BATCH_ROWS_PER_RUN = 10_000;
const BATCH_MAX_OPEN_RUNS = 5;
const DEFAULT_MAX_DEPTH = 8;
const DEFAULT_MAX_PARALLEL = 16;
/** Done rows that a forecast is made from. */
const MAX_FIGURES = 1_000;

/** Where a map is. */
export interface MapProgress {
  /** Rows with a result, those included that wait for an earlier one. */
  readonly done: number;
  /** Rows that were read. */
  readonly read: number;
  /** All rows; undefined while their end was not seen. */
  readonly total: number | undefined;
}

/**
 * A map that runs while somebody iterates over it: the next rows are read when there is room for them.
 */
export interface DatasetMap<Outputs, Row> extends AsyncIterable<MappedRow<Outputs, Row>> {
  readonly mapId: string;
  progress(): MapProgress;
  /** The figures of the rows that were given out so far. */
  summary(): MapSummary;
  /**
   * Stops the map: attempts in flight are aborted, and the iteration ends. With a journal, another map
   * with the same id continues it.
   */
  stop(reason?: unknown): Promise<void>;
}

/**
 * Runs a plan for each row, and gives out the results in the order of the rows. Rows are read as they
 * are needed, and no faster than the results are taken. A failed row is a result like any other.
 *
 * The iteration rejects with an error that stops the map: `budget_exceeded`, `deadline_exceeded`, a
 * `JournalError`, or an error of the rows themselves.
 *
 * @throws {OptionError} when an option is unknown or out of range, or the plan cannot be run for rows.
 * @throws {PlanError} when the plan is invalid, on the first row.
 *
 * @example
 * const map = mapDataset(plan, reviews, { strategy: adaptive(), runner: openai(), journal });
 * for await (const { row, outputs, error } of map) console.log(row, outputs ?? error);
 * console.log(map.summary().costUsd);
 */
export function mapDataset<P extends Plan<unknown, unknown>, Row>(
  plan: P,
  rows: Rows<Row>,
  options: MapOptions<GivenInputs<P>, Row>,
): DatasetMap<ResultsOf<P>, Row> {
  checkMapOptions(options as unknown as MapOptions<never, never>);
  checkStrategy('mapDataset()', options.strategy);
  const problems = validatePlan(plan, { maxDepth: options.maxDepth });
  if (problems.length > 0) throw new PlanError(problems);
  checkRows('mapDataset()', rows);
  checkMapBudget('mapDataset()', plan.budget);
  const map = new DatasetRun<ResultsOf<P>, Row>(
    plan,
    rows,
    options as unknown as MapOptions<InputValues, Row>,
  );
  return {
    mapId: map.mapId,
    [Symbol.asyncIterator]: () => map.results(),
    progress: () => map.progress(),
    summary: () => map.summary(),
    stop: (reason) => map.stop(reason),
  };
}

class DatasetRun<Outputs, Row> {
  readonly mapId: string;
  readonly #plan: Plan<unknown, unknown>;
  readonly #options: MapOptions<InputValues, Row>;
  readonly #source: SegmentSource<Row>;
  readonly #length: number | undefined;
  readonly #executor: Executor;
  readonly #budget: BudgetShare;
  readonly #maxParallel: number;
  readonly #totals = new Totals();
  readonly #open: Segment<Outputs, Row>[] = [];
  readonly #runIds: string[] = [];
  readonly #figures: RowFigures[] = [];
  readonly #startedAt = performance.now();
  #endedAt: number | undefined;
  #binding: RowBinding<Row> | undefined;
  #latest: ReadonlyMap<number, string> = new Map();
  #groups = 0;
  #isPumping: Promise<void> | undefined;
  /** Rows that have ended in runs whose results are given out. */
  #done = 0;
  #isSampling: boolean;
  #mayChange = false;
  #hasBegun = false;
  #status: MapSummary['status'] | undefined;
  #error: StratagemError | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isStopping = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(
    plan: Plan<unknown, unknown>,
    rows: Rows<Row>,
    options: MapOptions<InputValues, Row>,
  ) {
    const {
      mapId = crypto.randomUUID(),
      strategy,
      journal,
      reuse = journal !== undefined,
    } = options;
    this.mapId = mapId;
    this.#plan = plan;
    this.#options = options;
    this.#source = new SegmentSource(rows);
    this.#length = Array.isArray(rows) ? rows.length : undefined;
    this.#isSampling = options.sample !== undefined;
    this.#budget = new BudgetShare(plan.budget, options.budget);
    const own = strategy.maxParallel ?? DEFAULT_MAX_PARALLEL;
    this.#maxParallel = Math.min(options.maxParallel ?? own, strategy.maxParallel ?? Infinity);
    const lanes = options.batch && batchLane(options.runner as TaskRunner, options.batch);
    this.#executor = createExecutor({
      ...executorOptionsOf(options as unknown as MapOptions<never, never>),
      ...(lanes && { ...lanes, resources: { ...lanes.resources, ...options.resources } }),
      strategy: sharedStrategy(strategy),
      maxParallel: this.#maxParallel,
      maxDepth: (options.maxDepth ?? DEFAULT_MAX_DEPTH) + 1,
      timeline: 'stream',
      outputs: 'final',
      // The map itself reads no text while it is written.
      wantsText: options.onEvent !== undefined && (options.wantsText ?? true),
      ...(reuse && { reuse: { anyPosition: true } }),
    });
    // What is wrong with the plan alone is known at once.
    this.#planFor({ names: Object.keys(declaredInputs(plan)) }, 'rows', 1);
  }

  // --- What the caller sees ---

  async *results(): AsyncGenerator<MappedRow<Outputs, Row>> {
    if (this.#hasBegun) {
      throw new OptionError('a map can be iterated once: call mapDataset() again');
    }
    this.#hasBegun = true;
    const { signal } = this.#options;
    const onAbort = () => void this.#stop(signal?.reason);
    try {
      if (signal?.aborted) throw signal.reason;
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#startDeadline();
      await this.#prepare();
      yield* this.#rows();
      if (signal?.aborted) throw signal.reason;
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#status ??= this.#isStopping ? 'stopped' : 'completed';
    } catch (error) {
      this.#status = 'failed';
      if (isStratagemError(error)) this.#error = error;
      throw error;
    } finally {
      this.#status ??= 'stopped';
      clearTimeout(this.#deadline);
      signal?.removeEventListener('abort', onAbort);
      await this.#stop(undefined);
      this.#endedAt = performance.now();
    }
  }

  progress(): MapProgress {
    const open = this.#open.reduce((sum, { fold }) => sum + fold.ended, 0);
    const total = this.#source.isOver ? this.#source.count : this.#length;
    return { done: this.#done + open, read: this.#source.count, total };
  }

  summary(): MapSummary {
    const { rows, failed, reused, failuresByCode, usage, costUsd } = this.#totals;
    return {
      mapId: this.mapId,
      status: this.#status ?? 'stopped',
      ...(this.#error !== undefined && { error: this.#error }),
      ...{ rows, completed: rows - failed, failed, reused },
      failuresByCode: { ...failuresByCode },
      usage,
      costUsd,
      lanes: this.#totals.lanesWith(this.#open.map(({ fold }) => fold.lanes)),
      durationMs: (this.#endedAt ?? performance.now()) - this.#startedAt,
      runIds: [...this.#runIds],
    };
  }

  async stop(reason: unknown): Promise<void> {
    await this.#stop(reason);
  }

  // --- The rows ---

  async #prepare(): Promise<void> {
    const first = await this.#source.peek();
    if (first === undefined) return;
    const { bind, inputs, textCells: isText, journal, mapId } = this.#options;
    const binding = { bind, inputs, isText } as BindingOptions<Row>;
    this.#binding = bindRows<Row>(this.#plan, first, binding);
    if (journal !== undefined && mapId !== undefined) {
      this.#latest = await latestRuns(journal, mapId);
    }
  }

  async *#rows(): AsyncGenerator<MappedRow<Outputs, Row>> {
    for (;;) {
      if (this.#open.length === 0) await this.#pump();
      else void this.#pump();
      const segment = this.#open[0];
      if (segment === undefined) return;
      const row = await segment.next();
      if (row !== undefined) {
        this.#totals.add(row);
        // What a reused row cost is unknown.
        if (!row.reused && this.#figures.length < MAX_FIGURES) this.#figures.push(figuresOf(row));
        yield row;
        continue;
      }
      this.#open.shift();
      this.#done += segment.fold.ended;
      this.#totals.addLanes(segment.fold.lanes);
      if (segment.result !== undefined) this.#budget.spend(segment.runId, segment.result);
      if (this.#isStopping) return;
      if (!segment.isComplete) throw stopErrorOf(segment);
      if (this.#isSampling) {
        this.#isSampling = false;
        if (!this.#isOver && !(await this.#ask('sample'))) {
          this.#isStopping = true;
          return;
        }
      }
    }
  }

  get #isOver(): boolean {
    return this.#source.isOver;
  }

  /** Opens runs while there is room for them. A failure is reported when the open runs have ended. */
  #pump(): Promise<void> {
    this.#isPumping ??= this.#openRuns().finally(() => {
      this.#isPumping = undefined;
    });
    return this.#isPumping;
  }

  async #openRuns(): Promise<void> {
    try {
      while (this.#hasRoom()) await this.#openNext();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #hasRoom(): boolean {
    const { maxOpenRuns = this.#isBatch ? BATCH_MAX_OPEN_RUNS : MAX_OPEN_RUNS } = this.#options;
    if (this.#isOver || this.#isStopping || this.#failure !== undefined) return false;
    if (this.#open.length === 0) return true;
    if (this.#isSampling || this.#open.length >= maxOpenRuns) return false;
    // What is left of a budget is known when the run before has ended.
    if (this.#budget.isLimited) return this.#open.every(({ isOver }) => isOver);
    const unbegun = this.#open.reduce((sum, segment) => sum + segment.unbegun, 0);
    return unbegun < Math.max(this.#rowsPerRun / 2, 1);
  }

  get #isBatch(): boolean {
    return this.#options.batch !== undefined;
  }

  get #rowsPerRun(): number {
    const { rowsPerRun = this.#isBatch ? BATCH_ROWS_PER_RUN : ROWS_PER_RUN } = this.#options;
    return rowsPerRun;
  }

  async #openNext(): Promise<void> {
    const { sample } = this.#options;
    const most = this.#isSampling ? Math.min(sample as number, this.#rowsPerRun) : this.#rowsPerRun;
    const group = await this.#source.take(most);
    if (group === undefined || this.#isStopping) return;
    const segment = await this.#begin(++this.#groups, group);
    if (segment === undefined) return;
    this.#runIds.push(segment.runId);
    this.#open.push(segment);
  }

  // --- Runs ---

  async #begin(number: number, group: RowGroup<Row>): Promise<Segment<Outputs, Row> | undefined> {
    const binding = this.#binding as RowBinding<Row>;
    const { numbers, rows } = group;
    const label = `rows ${numbers[0]} to ${numbers.at(-1)}`;
    const plan = this.#planFor(binding, label, rows.length);
    const items = rows.map((row) => binding.itemOf(row));
    const values = { ...this.#constants(binding), [rowsName(declaredInputs(this.#plan))]: items };
    const known = this.#latest.get(number);
    const { journal } = this.#options;
    if (known !== undefined && journal !== undefined) {
      const history = await historyOf(journal, known, plan, values, rows.length);
      if (history.isSame) {
        const resumed = await this.#resume(known, group, plan, values, history);
        if (resumed !== undefined) return resumed;
      }
      if (!history.isSamePlan && !(await this.#mayRunAgain(plan, values, history))) {
        this.#isStopping = true;
        return undefined;
      }
    }
    const runId = idOf(this.mapId, number, known);
    return this.#follow(runId, group, new RowFold(rows.length), (onEvent) =>
      this.#executor.execute(plan, {
        ...this.#budget.left(),
        inputs: values,
        runId,
        onEvent,
      } as never),
    );
  }

  /** Resumes a recorded run; undefined when its plan has changed. */
  async #resume(
    runId: string,
    group: RowGroup<Row>,
    plan: Plan,
    values: InputValues,
    { fold, hasStarted, hasEnded }: History,
  ): Promise<Segment<Outputs, Row> | undefined> {
    const isCut = hasEnded && fold.ended < group.rows.length;
    const segment = this.#follow(runId, group, fold, (onEvent) =>
      this.#executor.resume(runId, {
        // Its recorded limits are those of an earlier map.
        ...{ budget: {}, ...this.#budget.left(runId) },
        plan,
        // A run that a budget has stopped goes on.
        retryFailed: isCut || (this.#options.retryFailed ?? false),
        ...(!hasStarted && { inputs: values }),
        onEvent,
      }),
    );
    const problem = await segment.opened();
    if (problem === undefined) return segment;
    if (problem instanceof PlanChangedError) return undefined;
    throw problem;
  }

  #follow(
    runId: string,
    group: RowGroup<Row>,
    fold: RowFold,
    start: (onEvent: (event: RunEvent) => void) => RunHandle,
  ): Segment<Outputs, Row> {
    const { onEvent } = this.#options;
    const segment = new Segment<Outputs, Row>(runId, group, fold, () => void this.#pump());
    const handle = start((event) => {
      segment.onEvent(event);
      onEvent?.(event, runId);
    });
    segment.follow(handle);
    return segment;
  }

  #planFor(binding: Pick<RowBinding<Row>, 'names'>, label: string, count: number): Plan {
    return planForRows(this.#plan, binding, this.#constants(binding), { label, count });
  }

  #constants({ names }: Pick<RowBinding<Row>, 'names'>): InputValues {
    const given = Object.entries(this.#options.inputs ?? {});
    return Object.fromEntries(given.filter(([name]) => !names.includes(name)));
  }

  // --- Questions ---

  async #mayRunAgain(plan: Plan, values: InputValues, history: History): Promise<boolean> {
    if (this.#mayChange || this.#options.confirm === undefined) return true;
    const { journal } = this.#options;
    const forecasts = await this.#executor.explain(plan, { inputs: values, journal });
    const rows = new Set(
      forecasts.flatMap(({ taskId, runs }) =>
        runs ? (/^row\[\d+\]/.exec(taskId)?.[0] ?? []) : [],
      ),
    );
    if (rows.size === 0) return true;
    const share = rows.size / Math.max(1, history.fold.size);
    this.#mayChange = await this.#ask('plan_changed', history.figures, share);
    return this.#mayChange;
  }

  async #ask(
    kind: MapQuestion['kind'],
    figures: readonly RowFigures[] = this.#figures,
    share = 1,
  ): Promise<boolean> {
    const { confirm, total = this.#length } = this.#options;
    if (confirm === undefined) return true;
    const all = typeof total === 'function' ? await total() : total;
    const left = all === undefined ? undefined : Math.round((all - this.#totals.rows) * share);
    const forecast = forecastOf(figures, left ?? 1_000, this.#maxParallel);
    return confirm({ kind, rowsLeft: left, forecast });
  }

  // --- The end ---

  #startDeadline(): void {
    const limits = [this.#plan.deadlineMs, this.#options.deadlineMs].flatMap((each) => each ?? []);
    if (limits.length === 0) return;
    const deadlineMs = Math.min(...limits);
    this.#deadline = setTimeout(() => {
      const message = `the deadline of ${deadlineMs} ms for the whole map was exceeded`;
      this.#failure ??= { error: new StratagemError('deadline_exceeded', message) };
      void this.#stop(this.#failure.error);
    }, deadlineMs);
  }

  async #stop(reason: unknown): Promise<void> {
    this.#isStopping = true;
    const hasJournal = this.#options.journal !== undefined;
    await this.#isPumping;
    await Promise.all(this.#open.map((segment) => segment.stop(hasJournal, reason)));
    await this.#source.close();
  }
}

/** Why a run has ended before all of its rows had. */
function stopErrorOf({ result, runId }: Segment<unknown, unknown>): unknown {
  return result?.error ?? new StratagemError('run_failed', `run "${runId}" ended early`);
}

/** The id of a run of a map: a number above that of the earlier one for the same rows. */
function idOf(mapId: string, number: number, earlier: string | undefined): string {
  const own = `${mapId}.${String(number).padStart(6, '0')}`;
  if (earlier === undefined) return own;
  const revision = Number(/\.r(\d+)$/.exec(earlier)?.[1] ?? 1);
  return `${own}.r${revision + 1}`;
}
