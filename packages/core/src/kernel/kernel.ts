import { StrategyError } from '../contract/errors.js';
import type { EventData } from '../contract/journal.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Revision } from '../contract/replan.js';
import type { TaskFailure } from '../contract/run-after.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { asData } from '../serialize/task.js';
import { COMPLETED, type EventLog, STARTED } from '../state/event-log.js';
import { type Inputs, inputsOf } from '../state/inputs.js';
import type { RunState } from '../state/run-state.js';
import { failuresBefore } from '../state/task-failures.js';
import {
  attemptsLeft,
  completeAttempt,
  expireAttempt,
  failAttempt,
  hearAttempt,
  idleTimeoutOf,
  startAttemptTimer,
} from './attempts.js';
import type { Command } from './command.js';
import { admit, open, promptFor } from './control-flow.js';
import { applyAnswer, applyRejection, expireQuestion } from './human-input.js';
import { Machine } from './machine.js';
import type { KernelOptions, RecoverOptions } from './options.js';
import type { Loan } from './places.js';
import type { FoldLog, Recovery } from './recover.js';
import { completeRound, failRound } from './replan.js';
import { applyRule } from './rules.js';
import { LiveRunView } from './run-view.js';
import { dispatch } from './scheduling.js';
import { cancelOneTask, skipOneTask } from './task-control.js';
import { abortRun, cancelRun, failAtDeadline, finishRun } from './termination.js';

/**
 * The scheduler proper: a deterministic state machine without I/O. Inputs (an attempt ended, time
 * passed, tasks were added, cancel) go in by its methods; what happened is in `log`, and `commands`
 * holds work for the driver. It reads no clock: every input brings the time.
 *
 * Every input says whether it was taken. One that is stale, repeated, unknown or impossible changes
 * nothing and returns false, so any driver may deliver inputs late or more than once.
 *
 * The same kernel runs in process, in virtual time and from a recorded log.
 *
 * @example
 * const kernel = new Kernel({ ...options, plan, graph: graphOf(plan), strategy });
 * kernel.start(Date.now());
 * for (const command of kernel.commands.splice(0)) carryOut(command);
 * kernel.completed(0, 1, { output: 'done' }, Date.now());
 */
export class Kernel {
  /** When `wake` is to be called, as Unix time in milliseconds; Infinity for never. */
  nextWake = Number.POSITIVE_INFINITY;
  /** Work for the driver, in order: to be done and removed after each input. */
  readonly commands: Command[];
  /** The tasks so far: those of the plan, their subtasks, and those that were added. */
  readonly graph: Graph;
  /** All that the run has come to. */
  readonly state: RunState;
  /** The events of the run, in order. */
  readonly log: EventLog;
  readonly #machine: Machine;
  /** How often tasks are about to be added. */
  #expected = 0;
  /** The recorded run that has yet to be resumed. */
  #recovery: Recovery | undefined;
  /** For each task of a recovered run, the ids of the tasks that it had added. */
  #addedBefore: ReadonlyMap<number, ReadonlySet<string>> = new Map();
  /** What `pause` and `setMaxParallel` asked for before the start. */
  #startsPaused = false;
  #maxParallelAtStart: number;

  constructor(options: KernelOptions) {
    this.#machine = new Machine(options);
    this.commands = this.#machine.commands;
    this.graph = this.#machine.graph;
    this.state = this.#machine.state;
    this.log = this.#machine.log;
    this.#maxParallelAtStart = options.maxParallel;
  }

  get ended(): boolean {
    const { status } = this.state;
    return status !== 'created' && status !== 'running' && this.#recovery === undefined;
  }

  get #isUnderWay(): boolean {
    return this.state.status === 'running' && this.#recovery === undefined;
  }

  // --- Questions of the driver ---

  /** The outputs that a task is given. */
  inputsOf(index: number): Inputs {
    return inputsOf(index, this.#machine.state, this.#machine.fanOut);
  }

  /** @throws {RunnerError} `invalid_input` when the inputs lack what the prompt asks for. */
  promptOf(index: number, inputs: Inputs): string {
    return promptFor(this.#machine, index, inputs);
  }

  /** The failures that a task runs after. */
  failuresBefore(index: number): readonly TaskFailure[] {
    return failuresBefore(index, this.state, this.#machine.fanOut);
  }

  /** How many tries a task has left when this attempt begins, this one included. */
  attemptsLeft(index: number, attempt: number): number {
    return attemptsLeft(this.#machine, index, attempt);
  }

  /** How long an attempt may go without output, in milliseconds; undefined without a limit. */
  idleLimitOf(index: number): number | undefined {
    return idleTimeoutOf(this.#machine, index);
  }

  /** What an attempt at a task competes for. */
  resourceOf(index: number): string {
    return this.#machine.strategy.resourceOf(index);
  }

  /** Whether this is the attempt in flight at a task. */
  isInFlight(index: number, attempt: number): boolean {
    return this.state.isInFlight(index, attempt);
  }

  /** Whether a human step has come up and has not been answered. */
  isWaiting(index: number): boolean {
    return this.state.questions.has(index);
  }

  /** Whether this is the id of a fan-out that has not made its elements yet. */
  isPendingFanOut(id: string): boolean {
    const { graph, state } = this.#machine;
    const index = graph.indexOf(id);
    if (index === undefined || (graph.kindOf(index) & TaskKind.forEach) === 0) return false;
    return state.isPending(index) && graph.childCount(index) === 0;
  }

  /** Whether a task had added another one, by its id, before its process ended. */
  hasAdded(index: number, id: string): boolean {
    return this.#addedBefore.get(index)?.has(id) ?? false;
  }

  /** Drops streamed output at the end of the log that everybody has read; true if there was some. */
  dropPublishedOutput(): boolean {
    const machine = this.#machine;
    if (!machine.log.dropReadOutput()) return false;
    machine.handled = machine.log.length;
    return true;
  }

  // --- The start ---

  /**
   * Folds a recorded log, so that `start` resumes the run: recorded results count, attempts in flight
   * start again as the same attempts. To be called once, before any input; the log may end anywhere.
   * A run that had ended stays as it is, unless `retryFailed` finds tasks to re-run.
   *
   * @param fold `foldLog`, which most processes never load.
   */
  recoverWith(fold: FoldLog, log: Iterable<EventData>, options: RecoverOptions): void {
    const recovery = fold(this.#machine, log, options);
    if (recovery.hadEnded && recovery.retried.length === 0) return;
    const { isPaused, maxParallel, additions } = this.state;
    this.#recovery = recovery;
    this.#addedBefore = new Map(Array.from(additions, ([index, ids]) => [index, new Set(ids)]));
    // A run that had ended is re-run without the pause that it ended in.
    this.#startsPaused = isPaused && !recovery.hadEnded;
    this.#maxParallelAtStart = maxParallel ?? this.#maxParallelAtStart;
  }

  /** Begins the run, or resumes a recovered one. */
  start(now: number): boolean {
    const recovery = this.#recovery;
    if (recovery === undefined && this.state.status !== 'created') return false;
    this.#setTime(now);
    this.#recordStart();
    const machine = this.#machine;
    const { options, state, strategy } = machine;
    machine.tell({
      type: 'strategy_initialized',
      strategy: options.strategy.name,
      maxParallel: orNull(this.#maxParallelAtStart),
    });
    this.#step(() => {
      strategy.begin(this.#runView());
      if (this.#startsPaused !== state.isPaused) {
        machine.tell({ type: this.#startsPaused ? 'run_paused' : 'run_unpaused' });
      }
      if (recovery === undefined) return;
      recovery.resume(machine);
      // From now on; until here, tasks that had been unblocked before were looked for.
      state.waits.unblocked = machine.unblocked;
    });
    return true;
  }

  #recordStart(): void {
    const machine = this.#machine;
    const recovery = this.#recovery;
    const { plan, seed, resources } = machine.options;
    // Readers of the log need the caps to say why a task waited.
    const { limits = resources && { resources } } = machine.options;
    if (recovery !== undefined) {
      this.#recovery = undefined;
      recovery.record(machine);
    } else {
      machine.state.waits.unblocked = machine.unblocked;
      const { inputs } = machine.options;
      const given = { ...(inputs && { inputs }), ...(limits && { limits }) };
      machine.tell({ type: 'run_started', plan, seed, ...given });
    }
    machine.deadline = machine.state.limitsSince + machine.options.deadlineMs;
  }

  #runView(): LiveRunView {
    const machine = this.#machine;
    return new LiveRunView(machine.graph, machine.state, {
      now: () => machine.now,
      ready: () => machine.strategy.readyCount,
      cappedResources: machine.places?.capped ?? new Set(),
      isFull: (resource) => machine.places?.isFull(resource) ?? false,
      report: (change) => {
        machine.tell({ type: 'strategy_switched', ...machine.strategy.accept(change) });
      },
    });
  }

  // --- Inputs about attempts ---

  /** A started attempt begins now, where attempts begin later than they start. */
  begun(index: number, attempt: number, now: number): boolean {
    const machine = this.#machine;
    if (!this.#isUnderWay || !this.isInFlight(index, attempt)) return false;
    if (!machine.state.notBegun.has(index)) return false;
    this.#setTime(now);
    machine.tell({ type: 'task_begun', ...machine.about(index), attempt }, index);
    startAttemptTimer(machine, index);
    this.#step(() => {});
    return true;
  }

  /** An attempt returned its output. */
  completed(index: number, attempt: number, result: AttemptResult, now: number): boolean {
    // Before the start of a recovered run, its attempts in flight are those of another process.
    if (this.#recovery !== undefined || !this.state.isInFlight(index, attempt)) return false;
    this.#setTime(now);
    // Without a closure, unlike rarer inputs: this is once a task.
    try {
      completeAttempt(this.#machine, index, result);
      this.#proceed();
    } catch (error) {
      this.#failStrategy(error);
    }
    return true;
  }

  /** An attempt failed. */
  failed(index: number, attempt: number, thrown: unknown, now: number): boolean {
    if (!this.#isUnderWay || !this.isInFlight(index, attempt)) return false;
    this.#setTime(now);
    this.#step(() => failAttempt(this.#machine, index, thrown));
    return true;
  }

  /** Whether the strategy observes the output of attempts. */
  get isObserved(): boolean {
    return this.#machine.strategy.isListening;
  }

  /** An attempt reported a part of its output. */
  output(index: number, attempt: number, part: OutputPart, now: number): boolean {
    const machine = this.#machine;
    if (!this.#isUnderWay || !this.isInFlight(index, attempt)) return false;
    this.#setTime(now);
    if (machine.heard.size > 0) hearAttempt(machine, index, part);
    machine.tell({ ...part, type: 'task_output', ...machine.about(index), attempt }, index);
    if (machine.strategy.isListening) this.#step(() => machine.strategy.output(index, part));
    else machine.handled = machine.log.length;
    return true;
  }

  // --- Inputs about single tasks ---

  /** Somebody cancels one task that has not ended: it counts as failed. */
  cancelTask(index: number, reason: unknown, now: number): boolean {
    return this.#endTask(index, now, () => cancelOneTask(this.#machine, index, reason));
  }

  /** Somebody skips one task that has not ended: the plan does without it. */
  skipTask(index: number, reason: unknown, now: number): boolean {
    return this.#endTask(index, now, () => skipOneTask(this.#machine, index, reason));
  }

  #endTask(index: number, now: number, end: () => void): boolean {
    if (!this.#isUnderWay || !(index in this.graph.tasks) || this.state.isSettled(index)) {
      return false;
    }
    this.#setTime(now);
    this.#step(end);
    return true;
  }

  // --- Inputs about people ---

  /** A human answered; for an approval, `true` gives it and anything else refuses. */
  answered(index: number, answer: unknown, now: number): boolean {
    if (!this.#isUnderWay || !this.isWaiting(index)) return false;
    this.#setTime(now);
    this.#step(() => applyAnswer(this.#machine, index, answer));
    return true;
  }

  /** A human refused to answer. */
  rejected(index: number, reason: unknown, now: number): boolean {
    if (!this.#isUnderWay || !this.isWaiting(index)) return false;
    this.#setTime(now);
    this.#step(() => applyRejection(this.#machine, index, reason));
    return true;
  }

  // --- Inputs about the plan ---

  /** Tasks are about to be added: until they are, the run does not end for want of others. */
  expectTasks(): void {
    this.#expected++;
  }

  /** Expected tasks will not be added after all. */
  stopExpectingTasks(now: number): void {
    if (this.#expected > 0) this.#expected--;
    if (!this.#isUnderWay) return;
    this.#setTime(now);
    this.#step(() => {});
  }

  /**
   * The plan grows; the caller has checked the tasks against each other and against the graph.
   *
   * @param by The task whose attempt adds them; -1 for none.
   * @param attempt The attempt that adds them; 0 for none.
   */
  addTasks(tasks: readonly Task[], by: number, attempt: number, now: number): boolean {
    const machine = this.#machine;
    const { graph } = machine;
    if (!this.#isUnderWay || tasks.length === 0) return false;
    if (by >= 0 && !this.isInFlight(by, attempt)) return false;
    if (tasks.some(({ id }) => graph.indexOf(id) !== undefined)) return false;
    if (this.#expected > 0) this.#expected--;
    this.#setTime(now);
    this.#step(() => {
      const adder = by < 0 ? {} : { taskId: machine.task(by).id };
      machine.tell(
        { type: 'tasks_added', source: 'add_tasks', tasks: asData(tasks), ...adder },
        by,
      );
    });
    return true;
  }

  /** A round of re-planning has its answer; the caller has checked it. */
  replanned(round: number, revision: Revision, now: number): boolean {
    if (!this.#isRoundUnderWay(round)) return false;
    this.#setTime(now);
    this.#step(() => completeRound(this.#machine, revision));
    return true;
  }

  /** A round of re-planning returned nothing that can be used. */
  replanFailed(round: number, thrown: unknown, now: number): boolean {
    if (!this.#isRoundUnderWay(round)) return false;
    this.#setTime(now);
    this.#step(() => failRound(this.#machine, thrown));
    return true;
  }

  #isRoundUnderWay(round: number): boolean {
    const { replan } = this.state;
    return this.#isUnderWay && replan.since !== undefined && replan.rounds === round;
  }

  // --- Inputs about the run ---

  /** Nothing starts until `resume`; attempts in flight go on. Before the start, the run begins paused. */
  pause(now: number): boolean {
    return this.#setPaused(true, now);
  }

  resume(now: number): boolean {
    return this.#setPaused(false, now);
  }

  #setPaused(isPaused: boolean, now: number): boolean {
    if (this.ended) return false;
    if (!this.#isUnderWay) {
      const isNew = this.#startsPaused !== isPaused;
      this.#startsPaused = isPaused;
      return isNew;
    }
    if (this.state.isPaused === isPaused) return false;
    this.#setTime(now);
    this.#machine.tell({ type: isPaused ? 'run_paused' : 'run_unpaused' });
    this.#step(() => {});
    return true;
  }

  /** Nothing more starts in this process, which the log does not say; attempts in flight go on. */
  halt(): void {
    this.#machine.isHalted = true;
  }

  /** Attempts in flight above a lowered cap go on; none starts until there are fewer. */
  setMaxParallel(maxParallel: number, now: number): boolean {
    if (this.ended) return false;
    if (!this.#isUnderWay) {
      const isNew = this.#maxParallelAtStart !== maxParallel;
      this.#maxParallelAtStart = maxParallel;
      return isNew;
    }
    if (this.state.maxParallel === maxParallel) return false;
    this.#setTime(now);
    this.#machine.tell({ type: 'max_parallel_changed', maxParallel: orNull(maxParallel) });
    this.#step(() => {});
    return true;
  }

  /** What the run may start in the steps from now on; see `KernelOptions.loan`. */
  lend(loan: Loan): void {
    this.#machine.places?.lend(loan);
  }

  /** Whether ready tasks wait for a larger loan. The run may still have no use for it. */
  get isHeldBack(): boolean {
    return this.#machine.isHeldBack && this.#isUnderWay;
  }

  /** Starts what a new loan allows. */
  useLoan(now: number): boolean {
    if (!this.#isUnderWay) return false;
    this.#setTime(now);
    this.#step(() => {});
    return true;
  }

  /** Whether others hold the places that the run waits for, after the last step. */
  waitForPlaces(isWaiting: boolean): void {
    if (!this.#isUnderWay || this.state.isWaitingForPlaces === isWaiting) return;
    this.#machine.tell({ type: 'places_waiting', isWaiting });
    this.#machine.handled = this.log.length;
  }

  /** The number of attempts in flight at a resource; 0 for a run without caps and loans. */
  inFlightAt(resource: string): number {
    return this.#machine.inFlight?.at(resource) ?? 0;
  }

  /** Time has passed: to be called at `nextWake`; ignored before. */
  wake(now: number): boolean {
    const machine = this.#machine;
    if (!this.#isUnderWay || now < this.nextWake) return false;
    this.#setTime(now);
    if (machine.now >= machine.deadline) {
      failAtDeadline(machine);
      this.#settleEnd();
      return true;
    }
    this.#step(() => {
      for (let due = this.#takeDue(); due !== undefined; due = this.#takeDue()) {
        this.#expire(due);
        // The consequences of one may clear the timer of the next.
        this.#drain();
      }
    });
    return true;
  }

  #takeDue(): number | undefined {
    return this.#machine.timers.take(this.#machine.now);
  }

  /** A task's timer is due. */
  #expire(index: number): void {
    const { state, strategy } = this.#machine;
    if (state.isRunning(index)) expireAttempt(this.#machine, index);
    else if (state.questions.has(index)) expireQuestion(this.#machine, index);
    else strategy.ready(index);
  }

  /**
   * Stops the run: attempts in flight are aborted, nothing new starts. Before the start, it takes the
   * place of the start.
   */
  cancel(cause: unknown, now: number): boolean {
    if (this.ended) return false;
    this.#setTime(now);
    if (this.state.status === 'created' || this.#recovery !== undefined) this.#recordStart();
    cancelRun(this.#machine, cause);
    this.#settleEnd();
    return true;
  }

  // --- The step that every input leads to ---

  /** Time never goes backwards within a run, whatever the driver's clock does. */
  #setTime(now: number): void {
    if (now > this.#machine.now) this.#machine.now = now;
  }

  /** Does the work of one input, and what follows from it. */
  #step(work: () => void): void {
    try {
      work();
      // A run that was about to end when its process did has ended now.
      if (!this.ended) this.#proceed();
      else this.#settleEnd();
    } catch (error) {
      this.#failStrategy(error);
    }
  }

  /** Follows every event to its consequences, starts what can start, and ends a run that is done. */
  #proceed(): void {
    const machine = this.#machine;
    const { state, timers, cooldowns } = machine;
    this.#drain();
    const askAgainAt = dispatch(machine);
    this.#drain();
    this.nextWake = Math.min(askAgainAt, machine.deadline);
    if (timers.size > 0) this.nextWake = Math.min(this.nextWake, timers.next);
    if (cooldowns.isActive) this.nextWake = Math.min(this.nextWake, cooldowns.next);
    const isSettled = state.settled === machine.graph.size;
    if (isSettled) machine.options.onSettled?.();
    if (this.#expected > 0) return;
    if (isSettled) {
      finishRun(machine);
      this.#drain();
      if (this.ended) this.#settleEnd();
    } else if (state.running === 0 && this.#isStuck(askAgainAt)) throw machine.strategy.stalled();
  }

  /** The worklist: consequences of events first, then tasks that became ready, then openings. */
  #drain(): void {
    const machine = this.#machine;
    const { log } = machine;
    for (;;) {
      while (machine.handled < log.length) {
        const kind = log.kindAt(machine.handled++);
        if (kind === STARTED || (!machine.hasCompletionRules && kind <= COMPLETED)) continue;
        applyRule(machine, machine.handled - 1);
      }
      if (machine.unblocked.size > 0) admit(machine, machine.unblocked.shift() as number);
      else if (machine.openings.size > 0) open(machine, machine.openings.shift() as number);
      else return;
    }
  }

  /** Nothing is under way that could ever make the strategy be asked again. */
  #isStuck(askAgainAt: number): boolean {
    const { state, timers, cooldowns, now, deadline } = this.#machine;
    return (
      now < deadline &&
      askAgainAt === Number.POSITIVE_INFINITY &&
      timers.size === 0 &&
      cooldowns.next === Number.POSITIVE_INFINITY &&
      state.questions.size === 0 &&
      state.replan.since === undefined &&
      !state.isPaused &&
      !this.#machine.isHeldBack &&
      !this.#machine.isHalted
    );
  }

  /** A strategy that breaks its contract ends the run. */
  #failStrategy(error: unknown): void {
    if (!(error instanceof StrategyError)) throw error;
    abortRun(this.#machine, 'invalid_strategy', error);
    this.#settleEnd();
  }

  #settleEnd(): void {
    this.nextWake = Number.POSITIVE_INFINITY;
    this.#machine.handled = this.log.length;
  }
}

/** JSON has no infinity. */
function orNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
