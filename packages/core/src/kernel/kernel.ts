import type { StreamPosition } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Revision } from '../contract/replan.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import { asData } from '../serialize/task.js';
import { endTrial, failAttempt, hearAttempt, startAttemptTimer, withCost } from './attempts.js';
import { applyAnswer, applyRejection } from './human-input.js';
import { KernelView } from './kernel-view.js';
import type { RecoverOptions } from './options.js';
import type { Loan } from './places.js';
import type { FoldLog } from './recover.js';
import { completeRound, failRound } from './replan.js';
import { orNull, recordStart, startRun } from './start.js';
import { endStep, expireTimers, failStrategy, proceed, runStep } from './step.js';
import { addItems, failStream } from './streams.js';
import { cancelOneTask, skipOneTask } from './task-control.js';
import { cancelRun, failAtDeadline } from './termination.js';
import { decideApproval, requestApproval, withdrawOldApprovals } from './tool-approvals.js';

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
export class Kernel extends KernelView {
  /** For each task of a recovered run, the ids of the tasks that it had added. */
  #addedBefore: ReadonlyMap<number, ReadonlySet<string>> = new Map();

  /** Whether a task had added another one, by its id, before its process ended. */
  hasAdded(index: number, id: string): boolean {
    return this.#addedBefore.get(index)?.has(id) ?? false;
  }

  /** Drops streamed output at the end of the log that everybody has read; true if there was some. */
  dropPublishedOutput(): boolean {
    const machine = this.machine;
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
    const machine = this.machine;
    const recovery = fold(machine, log, options);
    if (recovery.hadEnded && recovery.retried.length === 0) return;
    const { isPaused, maxParallel, additions } = this.state;
    machine.recovery = recovery;
    this.#addedBefore = new Map(Array.from(additions, ([index, ids]) => [index, new Set(ids)]));
    // A run that had ended is re-run without the pause that it ended in.
    machine.startsPaused = isPaused && !recovery.hadEnded;
    machine.maxParallelAtStart = maxParallel ?? machine.maxParallelAtStart;
  }

  /** Begins the run, or resumes a recovered one. */
  start(now: number): boolean {
    const machine = this.machine;
    if (machine.recovery === undefined && this.state.status !== 'created') return false;
    machine.setTime(now);
    startRun(machine);
    return true;
  }

  // --- Inputs about attempts ---

  /** A started attempt begins now, where attempts begin later than they start. */
  begun(index: number, attempt: number, now: number): boolean {
    const machine = this.machine;
    if (!machine.isInFlight(index, attempt) || !machine.state.notBegun.has(index)) return false;
    return this.#step(now, () => {
      machine.tell({ type: 'task_begun', ...machine.about(index), attempt }, index);
      startAttemptTimer(machine, index);
    });
  }

  /** An attempt returned its output. */
  completed(index: number, attempt: number, result: AttemptResult, now: number): boolean {
    const machine = this.machine;
    const { state, timers, heard, cooldowns, strategy } = machine;
    if (machine.recovery !== undefined || !state.isInFlight(index, attempt)) return false;
    if (now > machine.now) machine.now = now;
    // Without a closure, unlike rarer inputs: this is once a task.
    try {
      if (timers.size > 0) timers.clear(index);
      if (heard.size > 0) heard.delete(index);
      const durationMs = machine.now - state.startedAtOf(index);
      const priced = result.usage === undefined ? result : withCost(machine, result);
      state.recordCompletion(index, durationMs, priced, machine.now);
      if (cooldowns.isActive) endTrial(machine, index, undefined);
      if (strategy.isObserving) strategy.settled(index, durationMs, undefined, result, undefined);
      proceed(machine);
    } catch (error) {
      failStrategy(machine, error);
    }
    return true;
  }

  /** An attempt failed. */
  failed(index: number, attempt: number, thrown: unknown, now: number): boolean {
    if (!this.machine.isInFlight(index, attempt)) return false;
    return this.#step(now, () => failAttempt(this.machine, index, thrown));
  }

  /** An attempt reported a part of its output. */
  output(index: number, attempt: number, part: OutputPart, now: number): boolean {
    const machine = this.machine;
    if (!machine.isInFlight(index, attempt)) return false;
    machine.setTime(now);
    if (machine.heard.size > 0) hearAttempt(machine, index, part);
    machine.tell({ ...part, type: 'task_output', ...machine.about(index), attempt }, index);
    const { key } = part.kind === 'tool_call' ? part : {};
    const mayWithdraw = key !== undefined && machine.state.approvals.isWaiting(index);
    if (mayWithdraw || machine.strategy.isListening) {
      return this.#step(now, () => {
        if (mayWithdraw) withdrawOldApprovals(machine, index, key);
        if (machine.strategy.isListening) machine.strategy.output(index, part);
      });
    }
    machine.handled = machine.log.length;
    return true;
  }

  // --- Inputs about single tasks ---

  /** Somebody cancels one task that has not ended: it counts as failed. */
  cancelTask(index: number, reason: unknown, now: number): boolean {
    return this.#endTask(index, now, () => cancelOneTask(this.machine, index, reason));
  }

  /** Somebody skips one task that has not ended: the plan does without it. */
  skipTask(index: number, reason: unknown, now: number): boolean {
    return this.#endTask(index, now, () => skipOneTask(this.machine, index, reason));
  }

  #endTask(index: number, now: number, end: () => void): boolean {
    if (!this.machine.isUnderWay || !(index in this.graph.tasks) || this.state.isSettled(index)) {
      return false;
    }
    return this.#step(now, end);
  }

  // --- Inputs about people ---

  /** A human answered; for an approval, `true` gives it and anything else refuses. */
  answered(index: number, answer: unknown, now: number): boolean {
    if (!this.machine.isUnderWay || !this.isWaiting(index)) return false;
    return this.#step(now, () => applyAnswer(this.machine, index, answer));
  }

  /** A human refused to answer. */
  rejected(index: number, reason: unknown, now: number): boolean {
    if (!this.machine.isUnderWay || !this.isWaiting(index)) return false;
    return this.#step(now, () => applyRejection(this.machine, index, reason));
  }

  /** An attempt asks whether it may call a tool. */
  requestApproval(index: number, attempt: number, request: ApprovalRequest, now: number): boolean {
    if (!this.machine.isInFlight(index, attempt)) return false;
    return this.#step(now, () => requestApproval(this.machine, index, request));
  }

  /** A human decided about the call of a tool, by its key. */
  decided(index: number, key: string, decision: ApprovalDecision, now: number): boolean {
    const call = this.state.approvals.find(index, key);
    if (!this.machine.isUnderWay || call === undefined || call.decision !== undefined) return false;
    return this.#step(now, () => decideApproval(this.machine, index, call, decision));
  }

  // --- Inputs about the plan ---

  /** Tasks are about to be added: until they are, the run does not end for want of others. */
  expectTasks(): void {
    this.machine.expectedAdditions++;
  }

  /** Expected tasks will not be added after all. */
  stopExpectingTasks(now: number): void {
    const machine = this.machine;
    if (machine.expectedAdditions > 0) machine.expectedAdditions--;
    if (machine.isUnderWay) this.#step(now);
  }

  /**
   * The plan grows; the caller has checked the tasks against each other and against the graph.
   *
   * @param by The task whose attempt adds them; -1 for none.
   * @param attempt The attempt that adds them; 0 for none.
   */
  addTasks(tasks: readonly Task[], by: number, attempt: number, now: number): boolean {
    const machine = this.machine;
    const { graph } = machine;
    if (!machine.isUnderWay || tasks.length === 0) return false;
    if (by >= 0 && !machine.isInFlight(by, attempt)) return false;
    if (tasks.some(({ id }) => graph.indexOf(id) !== undefined)) return false;
    if (machine.expectedAdditions > 0) machine.expectedAdditions--;
    return this.#step(now, () => {
      const adder = by < 0 ? {} : { taskId: machine.task(by).id };
      machine.tell(
        { type: 'tasks_added', source: 'add_tasks', tasks: asData(tasks), ...adder },
        by,
      );
    });
  }

  /**
   * The next items of the stream of a fan-out.
   *
   * @param skip How many items have been read before, as the command said.
   */
  itemsRead(
    index: number,
    skip: number,
    items: readonly unknown[],
    stream: StreamPosition,
    now: number,
  ): boolean {
    if (!this.#isReading(index, skip)) return false;
    return this.#step(now, () => addItems(this.machine, index, items, stream));
  }

  /** The stream of a fan-out cannot be read further. */
  readFailed(index: number, skip: number, thrown: unknown, now: number): boolean {
    if (!this.#isReading(index, skip)) return false;
    return this.#step(now, () => failStream(this.machine, index, thrown));
  }

  /** Whether a fan-out waits for the items of its stream that follow so many. */
  #isReading(index: number, skip: number): boolean {
    const { isUnderWay, reading, graph } = this.machine;
    return isUnderWay && reading.has(index) && graph.childCount(index) === skip;
  }

  /** A round of re-planning has its answer; the caller has checked it. */
  replanned(round: number, revision: Revision, now: number): boolean {
    if (!this.#isRoundUnderWay(round)) return false;
    return this.#step(now, () => completeRound(this.machine, revision));
  }

  /** A round of re-planning returned nothing that can be used. */
  replanFailed(round: number, thrown: unknown, now: number): boolean {
    if (!this.#isRoundUnderWay(round)) return false;
    return this.#step(now, () => failRound(this.machine, thrown));
  }

  #isRoundUnderWay(round: number): boolean {
    const { replan } = this.state;
    return this.machine.isUnderWay && replan.since !== undefined && replan.rounds === round;
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
    const machine = this.machine;
    if (machine.hasEnded) return false;
    if (!machine.isUnderWay) {
      const isNew = machine.startsPaused !== isPaused;
      machine.startsPaused = isPaused;
      return isNew;
    }
    if (this.state.isPaused === isPaused) return false;
    return this.#step(now, () => machine.tell({ type: isPaused ? 'run_paused' : 'run_unpaused' }));
  }

  /** Nothing more starts in this process, which the log does not say; attempts in flight go on. */
  halt(): void {
    this.machine.isHalted = true;
  }

  /** Attempts in flight above a lowered cap go on; none starts until there are fewer. */
  setMaxParallel(maxParallel: number, now: number): boolean {
    const machine = this.machine;
    if (machine.hasEnded) return false;
    if (!machine.isUnderWay) {
      const isNew = machine.maxParallelAtStart !== maxParallel;
      machine.maxParallelAtStart = maxParallel;
      return isNew;
    }
    if (this.state.maxParallel === maxParallel) return false;
    const change = { type: 'max_parallel_changed', maxParallel: orNull(maxParallel) } as const;
    return this.#step(now, () => machine.tell(change));
  }

  /** Somebody says that a criterion of the goal is met: the goal is checked. */
  meetCriterion(name: string, now: number): boolean {
    const { machine } = this;
    const { goal } = machine.state;
    if (!machine.isUnderWay || goal === undefined || !goal.names.includes(name)) return false;
    if (goal.isMetByHand(name)) return false;
    return this.#step(now, () => machine.tell({ type: 'criterion_met', name }));
  }

  /** What the run may start in the steps from now on; see `KernelOptions.loan`. */
  lend(loan: Loan): void {
    this.machine.places?.lend(loan);
  }

  /** Starts what a new loan allows. */
  useLoan(now: number): boolean {
    if (!this.machine.isUnderWay) return false;
    return this.#step(now);
  }

  /** Whether others hold the places that the run waits for, after the last step. */
  waitForPlaces(isWaiting: boolean): void {
    if (!this.machine.isUnderWay || this.state.isWaitingForPlaces === isWaiting) return;
    this.machine.tell({ type: 'places_waiting', isWaiting });
    this.machine.handled = this.log.length;
  }

  /** Time has passed: to be called at `nextWake`; ignored before. */
  wake(now: number): boolean {
    const machine = this.machine;
    if (!machine.isUnderWay || now < machine.nextWake) return false;
    machine.setTime(now);
    if (machine.now < machine.deadline) return this.#step(now, () => expireTimers(machine));
    failAtDeadline(machine);
    endStep(machine);
    return true;
  }

  /**
   * Stops the run: attempts in flight are aborted, nothing new starts. Before the start, it takes the
   * place of the start.
   */
  cancel(cause: unknown, now: number): boolean {
    const machine = this.machine;
    if (machine.hasEnded) return false;
    machine.setTime(now);
    if (!machine.isUnderWay) recordStart(machine);
    cancelRun(machine, cause);
    endStep(machine);
    return true;
  }

  /** Does the work of one input at its time, and what follows from it. */
  #step(now: number, work?: () => void): true {
    this.machine.setTime(now);
    runStep(this.machine, work);
    return true;
  }
}
