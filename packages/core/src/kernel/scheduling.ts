import type { StrategyError, TaskError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import type { AttemptResult } from '../contract/runner.js';
import { estimateOf, type Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { RunState } from '../state/run-state.js';
import type { Attempts, FailedAttempt } from './attempts.js';
import type { BudgetKeeper } from './budget.js';
import { pauseAskedFor, ResourcePauses } from './cooldowns.js';
import type { KernelParts } from './kernel-parts.js';
import type { KernelOptions } from './options.js';
import type { Recorder } from './recorder.js';
import { LiveRunView } from './run-view.js';
import { Dispatcher } from './strategy-adapter.js';
import type { RunEnd } from './termination.js';

/**
 * Which attempts start, and when: what the strategy chooses, within the cap, the budget and the
 * deadline, and not for a server that asked to be left alone.
 */
export class Starts {
  /** The most attempts in flight at once. */
  maxParallel: number;
  /** Nothing starts while this is set. */
  isPaused = false;
  /** The time of the input that is worked on. */
  now = 0;
  /** Servers that asked to wait. */
  readonly pauses = new ResourcePauses();

  readonly #options: KernelOptions;
  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #record: Recorder;
  readonly #budget: BudgetKeeper | undefined;
  readonly #readyAt: number[];
  readonly #attempts: Attempts;
  readonly #end: RunEnd;
  #dispatcher: Dispatcher | undefined;
  /** A task that the strategy chose and the budget holds back until attempts in flight have ended. */
  #held: number | undefined;

  constructor(parts: KernelParts, attempts: Attempts, end: RunEnd) {
    this.#options = parts.options;
    this.#graph = parts.graph;
    this.#state = parts.state;
    this.#record = parts.record;
    this.#budget = parts.budget;
    this.#readyAt = parts.readyAt;
    this.#attempts = attempts;
    this.#end = end;
    this.maxParallel = parts.options.maxParallel;
  }

  /** Begins the strategy; to be called once, before anything is ready. */
  begin(): void {
    const { strategy, resourceOf } = this.#options;
    const dispatcher = new Dispatcher(strategy, this.#graph, resourceOf);
    this.#dispatcher = dispatcher;
    dispatcher.begin(
      new LiveRunView(this.#graph, this.#state, {
        now: () => this.now,
        maxParallel: () => this.maxParallel,
        ready: () => dispatcher.readyCount,
        report: (change) => this.#record.strategySwitched(dispatcher.accept(change), this.now),
      }),
    );
  }

  /** A task may start. */
  ready(index: number, now: number): void {
    this.#readyAt[index] = now;
    this.#dispatcher?.ready(index);
  }

  /** Whether the strategy wants to know what attempts report. */
  get isListening(): boolean {
    return this.#dispatcher?.isListening === true;
  }

  output(index: number, part: OutputPart): void {
    this.#dispatcher?.output(index, part);
  }

  completed(index: number, durationMs: number, result: AttemptResult): void {
    this.#budget?.release(index);
    this.#dispatcher?.settled(index, durationMs, undefined, result);
  }

  failed(index: number, { error, durationMs, delayMs }: FailedAttempt, now: number): void {
    this.#budget?.release(index);
    this.#heed(index, error, now);
    this.#dispatcher?.settled(index, durationMs, error, error, delayMs);
  }

  /**
   * Starts what the strategy chooses until it, or a limit, says stop.
   *
   * @returns When the strategy wants to be asked again; Infinity for after the next event.
   */
  dispatch(now: number): number {
    const dispatcher = this.#dispatcher as Dispatcher;
    const { deadline } = this.#end;
    if (this.pauses.size > 0) this.pauses.expire(now);
    // At the deadline there is nothing left but to wake and stop.
    while (this.#state.running < this.maxParallel && !this.isPaused && now < deadline) {
      let choice = this.#held ?? this.pauses.unpark();
      if (choice === undefined) {
        if (!this.#hasReady(dispatcher)) break;
        const next = dispatcher.next(now);
        if (typeof next !== 'number') return next?.until ?? Number.POSITIVE_INFINITY;
        choice = next;
      }
      if (this.#mustWait(choice, dispatcher)) continue;
      if (this.#budget !== undefined && !this.#affords(choice, this.#budget, now)) break;
      this.#attempts.begin(choice, now);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The error for a strategy that starts nothing while nothing is under way. */
  stalled(): StrategyError {
    return (this.#dispatcher as Dispatcher).stalled();
  }

  /** Nothing that is ready or chosen starts any more. */
  clear(): void {
    this.#dispatcher?.clear();
    this.pauses.clear();
    this.#held = undefined;
  }

  /** Whether a task is ready whose server has not asked to wait. */
  #hasReady(dispatcher: Dispatcher): boolean {
    return this.pauses.size === 0
      ? dispatcher.readyCount > 0
      : dispatcher.hasReadyBeside(this.pauses);
  }

  /** Whether a chosen task has to wait for its server, and then sees to it that it does. */
  #mustWait(index: number, dispatcher: Dispatcher): boolean {
    if (this.pauses.size === 0) return false;
    const resource = dispatcher.resourceOf(index);
    if (!this.pauses.has(resource)) return false;
    this.#held = undefined;
    this.pauses.park(index, resource);
    return true;
  }

  /** A server that says when it has room again is left alone until then. */
  #heed(index: number, error: TaskError, now: number): void {
    const pauseMs = pauseAskedFor(this.#task(index), error);
    if (pauseMs === 0) return;
    const resource = this.#dispatcher?.resourceOf(index) ?? '';
    if (!this.pauses.pause(resource, now + pauseMs)) return;
    this.#record.resourcePaused(resource, pauseMs, error.code, now);
  }

  /** Whether the budget allows a start now; if it never will, the run stops. */
  #affords(index: number, budget: BudgetKeeper, now: number): boolean {
    const estimate = estimateOf(this.#task(index));
    const isFirst = this.#state.attemptsOf(index) === 0;
    const excess = budget.excess(estimate, isFirst, now);
    if (excess === undefined) {
      this.#held = undefined;
      budget.reserve(index, estimate, isFirst);
      return true;
    }
    this.#held = index;
    if (excess.reserved === 0) this.#end.exceed(index, excess, now);
    return false;
  }

  #task(index: number): Task {
    return this.#graph.tasks[index] as Task;
  }
}
