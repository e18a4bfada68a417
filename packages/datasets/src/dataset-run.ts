import {
  createExecutor,
  type InputValues,
  isStratagemError,
  OptionError,
  type Plan,
  StratagemError,
  type TaskRunner,
} from '@stratagem/core';
import { batchLane } from './batch-lane.js';
import { BudgetShare } from './budget-share.js';
import { GroupRuns } from './group-runs.js';
import type { MappedRow } from './mapped-row.js';
import { executorOptionsOf, type MapOptions } from './options.js';
import { Questions } from './questions.js';
import { bindRows, type ColumnBinding, rowOf } from './row-plan.js';
import type { Segment } from './segment.js';
import { groupsOf, type RowGroup, type Rows, SegmentSource } from './segment-source.js';
import { shareStrategy } from './shared-strategy.js';
import { type MapSummary, Totals } from './summary.js';

const ROWS_PER_RUN = 1_000;
const MAX_OPEN_RUNS = 8;
/** A full job of a Batch API. */
const BATCH_ROWS_PER_RUN = 10_000;
const BATCH_MAX_OPEN_RUNS = 5;
const DEFAULT_MAX_DEPTH = 8;
const DEFAULT_MAX_PARALLEL = 16;

/** Where a map is. */
export interface MapProgress {
  /** Rows with a result, those included that wait for an earlier one. */
  readonly done: number;
  /** Rows that were read. */
  readonly read: number;
  /** Those among them that an earlier map with the same id has done. */
  readonly restored: number;
  /** All rows; undefined while their end was not seen. */
  readonly total: number | undefined;
}

/** Reads rows in groups, keeps a few runs open, and gives out the results in order. */
export class DatasetRun<Outputs, Row> {
  readonly mapId: string;
  readonly #plan: Plan<unknown, unknown>;
  readonly #options: MapOptions<InputValues, Row>;
  readonly #source: SegmentSource<Row>;
  readonly #length: number | undefined;
  readonly #budget: BudgetShare;
  readonly #runs: GroupRuns<Outputs, Row>;
  readonly #questions: Questions;
  readonly #totals = new Totals();
  readonly #open: Segment<Outputs, Row>[] = [];
  readonly #runIds: string[] = [];
  readonly #startedAt = performance.now();
  #endedAt: number | undefined;
  /** How many rows each group has. */
  readonly #sizes: number[] = [];
  #isPumping: Promise<void> | undefined;
  /** Rows that have ended in runs whose results are given out. */
  #done = 0;
  /** Those among them that an earlier map has done. */
  #restored = 0;
  #isSampling: boolean;
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
    const maxParallel = Math.min(options.maxParallel ?? own, strategy.maxParallel ?? Infinity);
    const shared = shareStrategy(strategy);
    this.#questions = new Questions(options, this.#length, {
      maxParallel,
      get isLearning() {
        return shared.isLearning;
      },
    });
    const lanes = options.batch && batchLane(options.runner as TaskRunner, options.batch);
    const executor = createExecutor({
      ...executorOptionsOf(options as unknown as MapOptions<never, never>),
      ...(lanes && { ...lanes, resources: { ...lanes.resources, ...options.resources } }),
      strategy: shared.strategy,
      maxParallel,
      maxDepth: (options.maxDepth ?? DEFAULT_MAX_DEPTH) + 1,
      timeline: 'stream',
      outputs: 'final',
      // The map itself reads no text while it is written.
      wantsText: options.onEvent !== undefined && (options.wantsText ?? true),
      ...(reuse && { reuse: { anyPosition: true } }),
    });
    this.#runs = new GroupRuns({
      ...{ plan, mapId, options, executor, budget: this.#budget, questions: this.#questions },
      groupsFrom: (number) => this.#groupsFrom(number, rows),
      onProgress: () => void this.#pump(),
    });
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
    const restored = this.#open.reduce((sum, { fold }) => sum + fold.restored, this.#restored);
    return { done: this.#done + open, restored, read: this.#source.count, total };
  }

  summary(): MapSummary {
    const { rows, failed, reused, failuresByCode, usage, costUsd } = this.#totals;
    return {
      mapId: this.mapId,
      status: this.#status ?? 'stopped',
      ...(this.#error !== undefined && { error: this.#error }),
      ...{ rows, completed: rows - failed, failed, reused },
      restored: this.#open.reduce((sum, each) => sum + each.restoredGiven, this.#restored),
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
    if (first !== undefined) await this.#runs.prepare(first);
    else this.#checkColumns();
  }

  /** @throws {OptionError} when the header of a file without rows does not fit the plan. */
  #checkColumns(): void {
    const { bind, inputs } = this.#options;
    const { columns } = this.#source;
    // A function is asked about rows alone.
    if (columns === undefined || typeof bind === 'function') return;
    bindRows(this.#plan, rowOf(columns), { bind: bind as ColumnBinding | undefined, inputs });
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
        this.#questions.record(row, segment.runId);
        yield row;
        continue;
      }
      this.#open.shift();
      this.#done += segment.fold.ended;
      this.#restored += segment.fold.restored;
      this.#totals.addLanes(segment.fold.lanes);
      if (segment.result !== undefined) this.#budget.spend(segment.runId, segment.result);
      if (this.#isStopping) return;
      if (!segment.isComplete) throw stopErrorOf(segment);
      // A large sample takes several runs.
      if (this.#isSampling && this.#sampleLeft <= 0) {
        this.#isSampling = false;
        const left = () => this.#runs.requestsFrom(this.#sizes.length + 1);
        if (!this.#isOver && !(await this.#questions.ask('sample', left))) {
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
    const [first] = this.#open;
    if (first === undefined) return true;
    // It brings no work. Its results are given out at once, so few such runs need be in memory.
    if (first.isRestored) return false;
    if (this.#isSampling || this.#open.length >= maxOpenRuns) return false;
    // What is left of a budget is known when the run before has ended.
    if (this.#budget.isLimited) return this.#open.every(({ isOver }) => isOver);
    const unbegun = this.#open.reduce((sum, segment) => sum + segment.unbegun, 0);
    return unbegun < Math.max(this.#rowsPerRun / 2, 1);
  }

  /** Rows of the sample that were not read yet. */
  get #sampleLeft(): number {
    return (this.#options.sample ?? 0) - this.#source.count;
  }

  get #isBatch(): boolean {
    return this.#options.batch !== undefined;
  }

  get #rowsPerRun(): number {
    const { rowsPerRun = this.#isBatch ? BATCH_ROWS_PER_RUN : ROWS_PER_RUN } = this.#options;
    return rowsPerRun;
  }

  async #openNext(): Promise<void> {
    const number = this.#sizes.length + 1;
    const group = await this.#takeGroup(number);
    if (group === undefined || this.#isStopping) return;
    this.#sizes.push(group.rows.length);
    const segment = await this.#runs.begin(number, group);
    if (segment === undefined) {
      this.#isStopping = true;
      return;
    }
    this.#runIds.push(segment.runId);
    this.#open.push(segment);
  }

  /** The rows of a group: those that an earlier map has recorded in it, so that its run can be resumed. */
  async #takeGroup(number: number): Promise<RowGroup<Row> | undefined> {
    const size = await this.#sizeOf(number, this.#source.count);
    const recorded = (await this.#runs.recordedSize(number)) ?? 0;
    if (recorded <= size) return this.#source.take(size);
    // More rows than the sample are taken if no more of them are left to do.
    const group = await this.#source.take(recorded);
    if (group === undefined || (await this.#runs.rowsLeft(number, group)) <= size) return group;
    return this.#source.giveBack(group, size);
  }

  /** How many rows a group has that begins behind `count` rows. The sample has groups of its own. */
  async #sizeOf(number: number, count: number): Promise<number> {
    const known = this.#sizes[number - 1];
    if (known !== undefined) return known;
    const size = (await this.#runs.recordedSize(number)) ?? this.#rowsPerRun;
    const sampleLeft = (this.#options.sample ?? 0) - count;
    return sampleLeft > 0 ? Math.min(sampleLeft, this.#rowsPerRun, size) : size;
  }

  /** The groups from this one on, read once more. */
  #groupsFrom(number: number, rows: Rows<Row>): AsyncIterable<RowGroup<Row>> | undefined {
    const { again = Array.isArray(rows) ? () => rows : undefined } = this.#options;
    const sizeOf = (position: number, count: number) => this.#sizeOf(position, count);
    return again && groupsOf(new SegmentSource(again()), number, sizeOf);
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
