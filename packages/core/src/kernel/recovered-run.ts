import type { PlanEvent, RetriedTask } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { AssembledParts } from './kernel-assembly.js';
import type { RecoverOptions } from './options.js';
import { Past } from './past.js';
import { restoreWaiting, resumptionOf } from './recovery.js';
import { tasksToRetry } from './retry-failed.js';

/** A recorded run: what it had come to, and how it is taken up again. */
export class RecoveredRun {
  /** The log as events. */
  readonly events: readonly PlanEvent[];

  readonly #parts: AssembledParts;
  readonly #past: Past;
  /** Tasks that are done once more. */
  readonly #retried: readonly RetriedTask[];

  constructor(log: Iterable<EventData>, options: RecoverOptions, parts: AssembledParts) {
    const { state, budget, end, starts, openings } = parts;
    const { plan, failFast, resourceOf } = parts.options;
    const { retryFailed = false, added = new Map() } = options;
    const { fanOut } = openings;
    const { goal } = end;
    const { pauses } = starts;
    const limits = { budget, pauses, resourceOf, failFast };
    this.#parts = parts;
    this.#past = new Past({ plan, added, state, fanOut, goal, ...limits });
    this.events = this.#past.read(log);
    this.#retried = retryFailed ? tasksToRetry(state) : [];
  }

  /** Whether tasks of it are done once more. */
  get isRetried(): boolean {
    return this.#retried.length > 0;
  }

  /** When what limits it by time began to count. */
  get startedAt(): number {
    return this.#past.startedAt;
  }

  /** Lets the kernel be as it was, before it goes on. */
  restore(hadEnded: boolean): void {
    const { record, end, starts, openings } = this.#parts;
    const { sequence, paused, maxParallel } = this.#past;
    record.continueAt(sequence + 1);
    // Whoever wants more of a run that is over does not want it to wait.
    starts.isPaused = paused && !hadEnded;
    starts.maxParallel = maxParallel ?? starts.maxParallel;
    end.recover(this.#past);
    openings.grow();
  }

  /** The ids of tasks that a started-again attempt had added: they are there already. */
  addedBy(index: number): readonly string[] {
    return this.#past.additions.get(index) ?? [];
  }

  /** Says that the run goes on. */
  record(now: number): void {
    const { record, state } = this.#parts;
    const resumption = resumptionOf(this.#past, state, this.#retried, now);
    record.runResumed(resumption, now);
    this.#past.resumed({ ...resumption, timestamp: now });
  }

  /** Completes the step that the log may end in, and puts every task where it was. */
  takeUp(now: number): void {
    const { record, state, graph, end, attempts, starts } = this.#parts;
    const past = this.#past;
    if (starts.isPaused && !past.paused) record.paused(now);
    if (!starts.isPaused && past.paused) record.resumed(now);
    if (past.canceling !== undefined) {
      end.cancelAgain(past.canceling, now);
      return;
    }
    end.takeUp(past, now);
    if (end.stop === undefined) this.#restoreWaiting(now);
    for (let index = 0; index < graph.size; index++) {
      if (state.statusOf(index) === 'running') attempts.launch(index, now);
    }
    end.askAgain(now);
  }

  #restoreWaiting(now: number): void {
    const { state, timers, readyAt, settling, humanSteps, starts, openings } = this.#parts;
    restoreWaiting(this.#past, now, {
      state,
      readiness: settling.readiness,
      timers,
      humanSteps,
      readyAt,
      becomeReady: (index, at) => starts.ready(index, at),
      finishGroup: (index) => openings.finishGroup(index, now),
    });
  }
}
