import { checkDuration, checkLimit, checkOptions } from '../contract/check-options.js';
import { OptionError } from '../contract/errors.js';
import { checkInterrupt, type InterruptOptions } from '../contract/interrupt.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { ClaimedRun, RunQueue } from '../contract/run-queue.js';
import type { PendingRequest } from '../contract/run-request.js';
import type { Executor } from '../runtime/executor.js';
import type { RunHandle } from '../runtime/handle.js';
import { claimedJournal } from './claimed-journal.js';
import { inputsOf, optionsOf, planOf } from './queued-plan.js';
import { RequestDesk, type ServedRun } from './request-desk.js';

/** What a coordinator claims, how it runs it, and how much of it. */
export interface CoordinatorOptions {
  /** Where runs are claimed and recorded. */
  readonly queue: RunQueue;
  /** Runs them. It needs no journal of its own. */
  readonly executor: Executor;
  /**
   * The maximum number of runs under way in this process.
   * @default 16
   */
  readonly maxRuns?: number | undefined;
  /**
   * Plans whose functions and schemas this process has, found by their goal. A submitted plan without
   * functions needs none of them.
   */
  readonly plans?: readonly Plan<unknown>[] | undefined;
  /**
   * How often to look for runs that nobody has announced, such as those of a dead process, in
   * milliseconds.
   * @default 1_000
   */
  readonly pollMs?: number | undefined;
  /** Called with each run that this process begins or takes over. */
  readonly onRun?: ((run: RunHandle) => void) | undefined;
  /**
   * Called when a run cannot be carried out here, and without a run when the queue fails. Both are
   * tried again, after a while. A run that has failed or was canceled is no error.
   */
  readonly onError: (error: unknown, runId?: string) => void;
}

/** Carries out queued runs in this process until it is stopped. */
export interface Coordinator {
  /** The ids of the runs under way. */
  readonly runs: readonly string[];
  /**
   * Claims no more runs, and interrupts those under way: other coordinators take them over at once.
   * Resolves when their leases are released.
   *
   * @throws {OptionError} when an option is invalid.
   */
  stop(options?: InterruptOptions): Promise<void>;
}

const MAX_RUNS = 16;
const POLL_MS = 1_000;
/** A run that cannot be carried out here is tried again after this time, then after twice of it. */
const MIN_POSTPONE_MS = 1_000;
const MAX_POSTPONE_MS = 60_000;

/**
 * Begins to claim runs of a queue and to carry them out, with an executor of this process. Any number of
 * coordinators may share a queue: each run belongs to one of them at a time, and the runs of a dead one
 * are taken over.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * const coordinator = startCoordinator({
 *   queue: postgresJournal({ url }),
 *   executor: createExecutor({ strategy: parallel(), runner: openai() }),
 *   onError: (error, runId) => console.error(runId, error),
 * });
 * process.once('SIGTERM', () => coordinator.stop({ drain: true, timeoutMs: 20_000 }));
 */
export function startCoordinator(options: CoordinatorOptions): Coordinator {
  const owner = 'startCoordinator()';
  const names = ['queue', 'executor', 'maxRuns', 'plans', 'pollMs', 'onRun', 'onError'];
  checkOptions(owner, options, names);
  const { queue, executor, maxRuns = MAX_RUNS, plans = [], pollMs = POLL_MS, onError } = options;
  if (typeof queue?.claim !== 'function') {
    throw new OptionError(`${owner}: queue must be a queue of runs, such as postgresJournal()`);
  }
  if (typeof executor?.resume !== 'function') {
    throw new OptionError(`${owner}: executor must be an executor, made by createExecutor()`);
  }
  checkLimit(owner, 'maxRuns', maxRuns);
  checkDuration(owner, 'pollMs', pollMs);
  if (typeof onError !== 'function') {
    throw new OptionError(`${owner}: onError must be a function, which gets each error`);
  }
  const byGoal = new Map(plans.map((plan) => [plan.goal, plan as Plan]));
  return new QueueCoordinator({ ...options, maxRuns, pollMs, byGoal });
}

interface Settings extends CoordinatorOptions {
  readonly maxRuns: number;
  readonly pollMs: number;
  readonly byGoal: ReadonlyMap<string, Plan>;
}

/** The part of this process in a claimed run. */
interface Work {
  handle: RunHandle | undefined;
  /** Whether the run has begun here. */
  isOpen: boolean;
  /** Resolves when the run has ended and its lease is released. */
  ended: Promise<void> | undefined;
}

function servedRun(claimed: ClaimedRun, work: Work, handle: RunHandle): ServedRun {
  return {
    ...{ claimed, handle },
    get isOpen() {
      return work.isOpen;
    },
  };
}

class QueueCoordinator implements Coordinator {
  readonly #settings: Settings;
  /**
   * By claim, not by run: a process that was slow may claim a run again before its first part in it
   * has noticed that the lease is lost.
   */
  readonly #work = new Map<ClaimedRun, Work>();
  /** How often each run could not be carried out here. */
  readonly #refusals = new Map<string, number>();
  readonly #desk: RequestDesk;
  readonly #removeListeners: readonly (() => void)[];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #loop: Promise<void>;
  #isStopping = false;
  #isWoken = false;
  #wake: () => void = () => {};

  constructor(settings: Settings) {
    this.#settings = settings;
    const { queue, onError } = settings;
    this.#desk = new RequestDesk(queue, () => this.#served(), onError);
    this.#removeListeners = [
      queue.onQueued(() => this.#look()),
      queue.onRequest(() => this.#desk.look()),
    ];
    this.#timer = setInterval(() => this.#desk.look(), settings.pollMs);
    this.#loop = this.#claimAll();
  }

  get runs(): readonly string[] {
    return [...new Set([...this.#work.keys()].map(({ run }) => run.id))];
  }

  async stop(options: InterruptOptions = {}): Promise<void> {
    checkInterrupt(options);
    this.#isStopping = true;
    clearInterval(this.#timer);
    for (const remove of this.#removeListeners) remove();
    this.#look();
    await this.#loop;
    const work = [...this.#work.values()];
    for (const { handle } of work) {
      // What it rejects with is reported where the run is awaited.
      handle?.interrupt(options).catch(() => {});
    }
    await Promise.all(work.map(({ ended }) => ended));
  }

  #look(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async #claimAll(): Promise<void> {
    while (!this.#isStopping) {
      this.#isWoken = false;
      const claimed = await this.#claim();
      if (claimed !== undefined) this.#begin(claimed);
      else await this.#pause();
    }
  }

  async #claim(): Promise<ClaimedRun | undefined> {
    if (this.#work.size >= this.#settings.maxRuns) return undefined;
    try {
      return await this.#settings.queue.claim();
    } catch (error) {
      this.#settings.onError(error);
      // A listener would try again at once.
      this.#isWoken = false;
      return undefined;
    }
  }

  /** Waits for an announcement, the end of a run, or the time to look again. */
  async #pause(): Promise<void> {
    if (this.#isWoken) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, this.#settings.pollMs);
    });
    clearTimeout(timer);
  }

  #begin(claimed: ClaimedRun): void {
    const work: Work = { handle: undefined, isOpen: false, ended: undefined };
    this.#work.set(claimed, work);
    work.ended = this.#carryOut(claimed, work).finally(() => {
      this.#work.delete(claimed);
      this.#look();
    });
  }

  async #carryOut(claimed: ClaimedRun, work: Work): Promise<void> {
    const { id } = claimed.run;
    try {
      try {
        // What was asked for before counts before any task starts.
        const pending = await this.#desk.before(id);
        // Who stops meanwhile interrupts the runs that have begun: this one has not.
        if (!this.#isStopping) await this.#run(claimed, work, pending);
      } catch (error) {
        this.#settings.onError(error, id);
        const refusals = this.#refusals.get(id) ?? 0;
        this.#refusals.set(id, refusals + 1);
        await claimed.postpone(Math.min(MAX_POSTPONE_MS, MIN_POSTPONE_MS * 2 ** refusals));
        return;
      }
      this.#refusals.delete(id);
      await claimed.opened.close();
    } catch (error) {
      this.#settings.onError(error, id);
    }
  }

  async #run(claimed: ClaimedRun, work: Work, pending: readonly PendingRequest[]): Promise<void> {
    const handle = this.#start(claimed);
    const served = servedRun(claimed, work, handle);
    work.handle = handle;
    this.#desk.serve(pending, served);
    this.#announce(handle);
    void this.#noteOpening(handle, work);
    const { status, error } = await handle.result;
    // Its record is not complete: the run is carried out again after a while, here or elsewhere.
    if (error instanceof JournalError) throw error;
    if (status !== 'interrupted') await this.#desk.settle(claimed.run.id, served);
  }

  /** The runs under way here, by their ids; of one that was claimed again, the newer part. */
  #served(): ReadonlyMap<string, ServedRun> {
    const served = new Map<string, ServedRun>();
    for (const [claimed, work] of this.#work) {
      if (work.handle !== undefined && !this.#isStopping) {
        served.set(claimed.run.id, servedRun(claimed, work, work.handle));
      }
    }
    return served;
  }

  /** Waits for the first event: then the run can answer to requests. */
  async #noteOpening(handle: RunHandle, work: Work): Promise<void> {
    try {
      for await (const _ of handle) break;
      work.isOpen = true;
      this.#desk.look();
    } catch {
      // The result says why it could not begin.
    }
  }

  #announce(handle: RunHandle): void {
    try {
      this.#settings.onRun?.(handle);
    } catch (error) {
      this.#settings.onError(error, handle.runId);
    }
  }

  #start(claimed: ClaimedRun): RunHandle {
    const { queue, executor, byGoal } = this.#settings;
    const { run, opened } = claimed;
    return executor.resume(run.id, {
      ...optionsOf(run),
      plan: planOf(run, byGoal),
      inputs: inputsOf(run),
      journal: claimedJournal(queue, opened),
    });
  }
}
