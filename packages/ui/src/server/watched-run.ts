import type { RunEvent } from '@stratagem/core';
import { RunEstimate } from '@stratagem/core/analysis';
import type { Action, RunExtras } from '../model/extras.js';
import { ModelBuilder } from '../model/model-builder.js';
import type { ModelStatus, RunModel, TaskDetail } from '../model/run-model.js';
import { renderPage } from '../report/render-page.js';
import { embed } from '../report/render-report.js';
import { controlsOf, perform, type RunControls, type WatchableRun } from './controls.js';
import { Revisions } from './revisions.js';

/** A model is built at most so often, and takes at most a twentieth of the time. */
const LEAST_INTERVAL_MS = 100;
const COST_FACTOR = 20;
/** A run under way is sent again after this time, although nothing has happened. */
const HEARTBEAT_MS = 1_000;
/** Letters of a text that the page may ask for. */
const TEXT_LIMIT = 1_000_000;
/** An action waits at most so long for the event that follows from it. */
const ACTION_MS = 2_000;

const ENDED: ReadonlySet<ModelStatus> = new Set(['completed', 'failed', 'canceled']);

type Listener = () => void;

/** A run that pages look at: under way in this process, or recorded. */
export class WatchedRun {
  readonly runId: string;
  readonly #builder: ModelBuilder;
  readonly #estimate = new RunEstimate();
  readonly #revisions = new Revisions();
  readonly #listeners = new Set<Listener>();
  readonly #waiters = new Set<Listener>();
  #extras: RunExtras;
  #handle: WatchableRun | undefined;
  #status: ModelStatus | undefined;
  #notice: string | undefined;
  #builtAt = Number.NEGATIVE_INFINITY;
  #costMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The timer only waits for the next heartbeat. */
  #isResting = false;
  #isStale = true;
  /** Set while a server can run again what failed. */
  canRetry: (() => boolean) | undefined;
  /** Changes the run when another process carries it out. */
  remote: RunControls | undefined;
  /** Reads what its process has recorded since. */
  refresh: (() => Promise<void>) | undefined;

  constructor(runId: string, extras: RunExtras = {}) {
    this.runId = runId;
    this.#builder = new ModelBuilder(runId);
    this.#extras = extras;
  }

  /** The number of the last event. */
  get sequence(): number {
    return this.#builder.sequence;
  }

  /** Pages look at it. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  get isAttached(): boolean {
    return this.#handle !== undefined;
  }

  /** Takes the next event; one that it has already is ignored. */
  feed(event: RunEvent): void {
    if (event.sequence <= this.#builder.sequence) return;
    // A log that lacks its start cannot be shown.
    if (this.#builder.isEmpty && event.type !== 'run_started') return;
    this.#builder.add(event);
    this.#estimate.apply(event);
    this.#status = undefined;
    this.#isStale = true;
    for (const wake of [...this.#waiters]) wake();
    this.#schedule();
  }

  /** What the journal says of a run that no process writes. */
  setStatus(status: ModelStatus | undefined): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#isStale = true;
    this.#schedule();
  }

  setNotice(notice: string): void {
    this.#notice = notice;
    this.#isStale = true;
  }

  addExtras(extras: RunExtras): void {
    this.#extras = { ...this.#extras, ...extras };
  }

  attach(handle: WatchableRun): void {
    this.#handle = handle;
    this.#isStale = true;
  }

  /** The run has told all its events: it has ended, or this process no longer has a part in it. */
  detach(handle: WatchableRun): void {
    if (this.#handle !== handle) return;
    this.#handle = undefined;
    this.#isStale = true;
    // A log without an end: the run can be resumed.
    if (this.model?.isLive) this.#status = 'interrupted';
    this.#isStale = true;
    // The end is shown at once, however large the run is.
    this.#show();
  }

  get extras(): RunExtras {
    const handle = this.#controls;
    const offered = handle === undefined ? [] : controlsOf(handle);
    // Without a journal, an interrupted run would be lost.
    const controls = offered.filter((name) => name !== 'interrupt' || this.#extras.isRecorded);
    const isOver = this.#revisions.model?.isLive === false;
    if (isOver && this.canRetry?.() === true) controls.push('retryFailed');
    return { ...this.#extras, controls };
  }

  /** How to change the run: here, or in the process that carries it out, until it has ended. */
  get #controls(): RunControls | undefined {
    if (this.#handle !== undefined) return this.#handle;
    const status = this.model?.status;
    return status === undefined || ENDED.has(status) ? undefined : this.remote;
  }

  /** The model now; undefined before the first event. */
  get model(): RunModel | undefined {
    if (this.#isStale) this.#build();
    return this.#revisions.model;
  }

  #build(): void {
    if (this.#builder.isEmpty) return;
    const start = performance.now();
    const now = Date.now();
    // What the journal says comes from no event: such a run is not under way.
    const leftMs = this.#status === undefined ? this.#estimate.leftAt(now) : undefined;
    const options = { now, status: this.#status, notice: this.#notice, leftMs };
    this.#revisions.update(this.#builder.model(options), this.#builder.restarts);
    this.#builtAt = performance.now();
    this.#costMs = this.#builtAt - start;
    this.#isStale = false;
  }

  /** What a page that has a revision lacks. */
  since(id: string | undefined) {
    void this.model;
    return { ...this.#revisions.since(id), id: this.#revisions.id, extras: this.extras };
  }

  /** Calls back when there is something new. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#schedule();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #schedule(): void {
    if (this.#listeners.size === 0) return;
    if (this.#timer !== undefined && !(this.#isResting && this.#isStale)) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const isLive = this.#revisions.model?.isLive ?? true;
    if (!this.#isStale && !isLive) return;
    this.#isResting = !this.#isStale;
    const wait = this.#isStale ? LEAST_INTERVAL_MS : HEARTBEAT_MS;
    const due = this.#builtAt + Math.max(wait, this.#costMs * COST_FACTOR);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#show();
        this.#schedule();
      },
      Math.max(0, due - performance.now()),
    );
    this.#timer.unref();
  }

  #show(): void {
    this.#build();
    for (const listener of this.#listeners) listener();
  }

  detail(taskId: string): TaskDetail | undefined {
    return this.#builder.isEmpty ? undefined : this.#builder.detail(taskId, TEXT_LIMIT);
  }

  /** The tasks whose prompt or output has a text. */
  search(text: string): string[] {
    const wanted = text.toLowerCase();
    return (this.model?.tasks ?? []).flatMap(({ id }) => {
      const { prompt, output, partial } = this.#builder.detail(id, TEXT_LIMIT) ?? {};
      const isFound = [prompt, output, partial].some((each) =>
        each?.text.toLowerCase().includes(wanted),
      );
      return isFound ? [id] : [];
    });
  }

  /** The run so far as a report; undefined before the first event. */
  report(): string | undefined {
    if (this.#builder.isEmpty) return undefined;
    const settings = { now: Date.now(), status: this.#status, notice: this.#notice };
    return renderPage([embed(this.#builder, this.#extras, undefined, settings)]);
  }

  /**
   * Does what a person asked for, and waits for the event that follows from it.
   *
   * @throws {OptionError} when the run does not offer it.
   */
  async act(action: Action): Promise<void> {
    const isElsewhere = this.#handle === undefined;
    const followed = isElsewhere ? undefined : this.#nextEvent();
    await perform(this.#controls, action);
    await (isElsewhere ? this.refresh?.() : followed);
    this.#show();
  }

  #nextEvent(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiters.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ACTION_MS);
      timer.unref();
      this.#waiters.add(end);
    });
  }
}
