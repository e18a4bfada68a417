import { type Journal, type RunListing, readRun } from '@stratagem/core';
import { findForks } from '@stratagem/core/journal';
import type { RunExtras } from '../model/extras.js';
import { forkInWords } from '../model/fork-in-words.js';
import type { ModelStatus } from '../model/run-model.js';
import { type RunSummary, summaryOf } from '../model/run-summary.js';
import type { RunControls, WatchableRun } from './controls.js';
import { WatchedRun } from './watched-run.js';

export interface RunEntry {
  readonly id: string;
  readonly goal: string;
  readonly status: ModelStatus;
  readonly startedAt: number;
  readonly completed: number;
  readonly total: number;
  readonly summary?: RunSummary | undefined;
}

export interface RunStoreOptions {
  readonly journal: Journal | undefined;
  readonly extrasOf: (runId: string) => RunExtras;
  readonly retry: Retry | undefined;
  readonly controlOf: ((runId: string) => RunControls) | undefined;
}

/** Runs again what failed. A handle that is awaited would be its result: it is in an object. */
export type Retry = (runId: string) => Promise<{ readonly run: WatchableRun }>;

/** How often a journal is looked at for what other processes have written. */
const POLL_MS = 1_000;
/** Reading a log takes at most a tenth of the time. */
const COST_FACTOR = 10;
/** Runs of the list that are read for their figures. */
const SUMMARIES = 100;
/** The figures of a run that another process writes are read again after this time. */
const SUMMARY_MS = 5_000;
/** Recorded runs that nobody looks at are kept in memory up to this number. */
const KEPT = 20;

interface KnownSummary {
  readonly key: string;
  readonly summary: RunSummary;
  readonly readAt: number;
}

/** The runs that a server shows: those of this process, and those of a journal. */
export class RunStore {
  readonly #options: RunStoreOptions;
  readonly #runs = new Map<string, WatchedRun>();
  /** Runs of this process, in order of start. */
  readonly #attached: string[] = [];
  readonly #summaries = new Map<string, KnownSummary>();

  constructor(options: RunStoreOptions) {
    this.#options = options;
  }

  /** Shows a run of this process. */
  attach(handle: WatchableRun, extras: RunExtras = {}): void {
    const run = this.#watched(handle.runId);
    run.addExtras({ isRecorded: this.#options.journal !== undefined, ...extras });
    run.attach(handle);
    if (!this.#attached.includes(handle.runId)) this.#attached.push(handle.runId);
    void this.#follow(run, handle);
  }

  async #follow(run: WatchedRun, handle: WatchableRun): Promise<void> {
    try {
      for await (const event of handle) {
        // A resumed run tells what is new; the journal has the rest.
        if (event.sequence > 0 && run.sequence < 0) await this.#read(run);
        run.feed(event);
      }
    } catch {
      // The result of the handle has the error, and the code that started the run reports it.
    }
    run.detach(handle);
  }

  #watched(runId: string): WatchedRun {
    let run = this.#runs.get(runId);
    if (run === undefined) {
      run = new WatchedRun(runId, this.#options.extrasOf(runId));
      const { retry } = this.#options;
      const isOver = () => retry !== undefined && this.#runs.get(runId)?.isAttached === false;
      run.canRetry = isOver;
      run.remote = this.#options.controlOf?.(runId);
      const watched = run;
      run.refresh = () => this.#refresh(watched);
      this.#runs.set(runId, run);
    }
    return run;
  }

  /** The run with an id, with all its events so far; undefined when there is none. */
  async find(runId: string): Promise<WatchedRun | undefined> {
    const known = this.#runs.get(runId);
    if (known !== undefined && (known.isAttached || known.sequence >= 0)) {
      if (!known.isAttached) await this.#refresh(known);
      return known;
    }
    const listing = await this.#listing(runId);
    if (listing === undefined) return undefined;
    this.#forgetSome();
    const run = this.#watched(runId);
    await this.#read(run);
    run.setStatus(listing.status);
    await this.#addForks(run);
    return run;
  }

  /** They are read again when somebody asks for them. */
  #forgetSome(): void {
    const idle = Array.from(this.#runs.values()).filter(
      (run) => !run.isAttached && !run.isWatched && !this.#attached.includes(run.runId),
    );
    for (const { runId } of idle.slice(0, Math.max(0, idle.length - KEPT))) {
      this.#runs.delete(runId);
    }
  }

  /** Only the forks record where they come from. */
  async #addForks(run: WatchedRun): Promise<void> {
    const { journal } = this.#options;
    if (journal === undefined) return;
    const forks = await findForks(journal, run.runId);
    if (forks.length > 0) run.addExtras({ forks: forks.map(forkInWords) });
  }

  async #listing(runId: string): Promise<RunListing | undefined> {
    const runs = (await this.#options.journal?.list()) ?? [];
    return runs.find(({ id }) => id === runId);
  }

  async #refresh(run: WatchedRun): Promise<void> {
    const listing = await this.#listing(run.runId);
    if (listing === undefined) return;
    if (run.model?.isLive !== false || run.model.status !== listing.status) await this.#read(run);
    if (!run.isAttached) run.setStatus(listing.status);
  }

  /** Reads what the journal has and the run lacks; a damaged log is shown up to its damage. */
  async #read(run: WatchedRun): Promise<void> {
    const { journal } = this.#options;
    if (journal === undefined) return;
    let last = -1;
    try {
      for await (const event of readRun(journal, run.runId)) {
        last = event.sequence;
        run.feed(event);
      }
    } catch (error) {
      if (last < 0) throw error;
      run.setNotice(`The log ends at event ${last}. What is shown is up to there.`);
    }
  }

  /** Looks for changes of a run of another process until it is stopped. */
  poll(run: WatchedRun): () => void {
    let timer: NodeJS.Timeout;
    let isOver = false;
    const look = async () => {
      const start = performance.now();
      if (!run.isAttached) await this.#refresh(run).catch(() => {});
      if (isOver) return;
      const wait = Math.max(POLL_MS, (performance.now() - start) * COST_FACTOR);
      timer = setTimeout(look, wait);
      timer.unref();
    };
    timer = setTimeout(look, POLL_MS);
    timer.unref();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  /** Runs again what failed, in this process. */
  async retry(runId: string): Promise<void> {
    const { retry } = this.#options;
    const run = await this.find(runId);
    if (retry === undefined || run === undefined || run.isAttached) {
      throw new Error('This run cannot be run again here.');
    }
    const { run: handle } = await retry(runId);
    this.attach(handle);
  }

  /** All runs, the newest first. */
  async list(): Promise<RunEntry[]> {
    const recorded = (await this.#options.journal?.list()) ?? [];
    const listed = new Set(recorded.map(({ id }) => id));
    const own = this.#attached.filter((id) => !listed.has(id)).reverse();
    const entries = own.flatMap((id): RunEntry[] => {
      const model = this.#runs.get(id)?.model;
      if (model === undefined) return [];
      const { goal, status, startedAt, figures } = model;
      const counts = { completed: figures.counts.completed, total: figures.total };
      return [{ id, goal, status, startedAt, ...counts, summary: summaryOf(model) }];
    });
    for (const [index, listing] of recorded.entries()) {
      const { id, goal, startedAt, completedTasks, totalTasks } = listing;
      entries.push({
        ...{ id, goal, status: listing.status, startedAt },
        ...{ completed: completedTasks, total: totalTasks },
        summary: index < SUMMARIES ? await this.#summary(listing) : undefined,
      });
    }
    return entries;
  }

  /** Read once for each state of the record; runs of this process are known. */
  async #summary(listing: RunListing): Promise<RunSummary | undefined> {
    const { id, status, completedTasks, totalTasks } = listing;
    const own = this.#runs.get(id);
    if (own?.isAttached && own.model !== undefined) return summaryOf(own.model);
    const key = `${status} ${completedTasks} ${totalTasks}`;
    const known = this.#summaries.get(id);
    if (known?.key === key) return known.summary;
    const isYoung = known !== undefined && Date.now() - known.readAt < SUMMARY_MS;
    if (isYoung && status === 'running') return known.summary;
    const run = new WatchedRun(id);
    try {
      await this.#read(run);
    } catch {
      return undefined; // The list is shown, although one log cannot be read.
    }
    run.setStatus(listing.status);
    if (run.model === undefined) return undefined;
    const summary = summaryOf(run.model);
    this.#summaries.set(id, { key, summary, readAt: Date.now() });
    return summary;
  }
}
