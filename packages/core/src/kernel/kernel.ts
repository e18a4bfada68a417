import { StrategyError } from '../contract/errors.js';
import type { PlanEvent } from '../contract/event.js';
import type { EventData } from '../contract/journal.js';
import type { OutputPart } from '../contract/output-part.js';
import type { Revision } from '../contract/replan.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { Inputs } from '../state/inputs.js';
import type { RunState } from '../state/run-state.js';
import type { Attempts } from './attempts.js';
import type { Command } from './command.js';
import type { Openings } from './control-flow.js';
import type { HumanSteps } from './human-input.js';
import { type AssembledParts, assemble } from './kernel-assembly.js';
import type { KernelOptions, RecoverOptions } from './options.js';
import type { Emit, Recorder } from './recorder.js';
import { RecoveredRun } from './recovered-run.js';
import type { Starts } from './scheduling.js';
import type { Settling } from './settling.js';
import type { RunEnd } from './termination.js';
import type { Timers } from './timers.js';

/**
 * The scheduler proper: a deterministic state machine without I/O. Inputs (an attempt ended, time
 * passed, tasks were added, cancel) go in by its methods; events come out through `emit`, and
 * `commands` holds what the driver is to do. It reads no clock: every input brings the time.
 *
 * The same kernel runs in process, in virtual time and from a recorded log.
 */
export class Kernel {
  /** Work for the driver, in order: to be done and removed after each input. */
  readonly commands: Command[] = [];
  /** When `wake` is to be called, as Unix time in milliseconds; Infinity for never. */
  nextWake = Number.POSITIVE_INFINITY;
  /** The tasks so far: those of the plan, their subtasks, and what was added. */
  readonly graph: Graph;
  readonly state: RunState;

  readonly #parts: AssembledParts;
  readonly #record: Recorder;
  readonly #timers: Timers;
  readonly #end: RunEnd;
  readonly #attempts: Attempts;
  readonly #starts: Starts;
  readonly #settling: Settling;
  readonly #humanSteps: HumanSteps;
  readonly #openings: Openings;
  /** How often tasks are about to be added. */
  #expected = 0;
  /** The recorded run that goes on, if one does. */
  #recovered: RecoveredRun | undefined;
  /** Whether it has yet to go on. */
  #isDown = false;

  constructor(options: KernelOptions, emit: Emit) {
    const parts = assemble(options, emit, this.commands, () => {
      this.nextWake = Number.POSITIVE_INFINITY;
    });
    this.graph = parts.graph;
    this.state = parts.state;
    this.#parts = parts;
    this.#record = parts.record;
    this.#timers = parts.timers;
    this.#end = parts.end;
    this.#attempts = parts.attempts;
    this.#starts = parts.starts;
    this.#settling = parts.settling;
    this.#humanSteps = parts.humanSteps;
    this.#openings = parts.openings;
  }

  get ended(): boolean {
    const { status } = this.state;
    return status !== 'created' && status !== 'running' && !this.#isDown;
  }

  /** Whether `start` has been called. */
  get #isUnderWay(): boolean {
    return this.state.status === 'running' && !this.#isDown;
  }

  /** What a task is given. */
  inputsOf(index: number): Inputs {
    return this.#openings.inputsOf(index);
  }

  /** The prompt of a task. */
  promptOf(index: number, inputs: Inputs): string {
    return this.#openings.promptOf(index, inputs);
  }

  /** How many tries a task has left when this attempt begins, this one included. */
  attemptsLeft(index: number, attempt: number): number {
    return this.#attempts.left(index, attempt);
  }

  /** Whether a human step has come up and has not been answered. */
  isWaiting(index: number): boolean {
    return this.#humanSteps.has(index);
  }

  /** Whether this is the id of a fan-out that has yet to make its elements. */
  willFanOut(id: string): boolean {
    return this.#openings.willFanOut(id);
  }

  /** The ids of tasks that a started-again attempt had added before: they are there already. */
  addedBefore(index: number): readonly string[] {
    return this.#recovered?.addedBy(index) ?? [];
  }

  /**
   * Takes in what is recorded of a run, so that `start` goes on with it: what has been reported
   * stands, what was in flight is started again as the same attempt, and everything else is where it
   * was. To be called once, before any input. The log may end anywhere.
   *
   * @returns The log as events. A run that had ended stays as it is, unless `retryFailed` finds
   * something to do.
   */
  recover(log: Iterable<EventData>, options: RecoverOptions = {}): readonly PlanEvent[] {
    const recovered = new RecoveredRun(log, options, this.#parts);
    const hadEnded = this.ended;
    if (!hadEnded || recovered.isRetried) {
      recovered.restore(hadEnded);
      this.#recovered = recovered;
      this.#isDown = true;
    }
    return recovered.events;
  }

  /** Begins the run, or goes on with one that was recovered; to be called once. */
  start(now: number): void {
    if (this.#isDown) this.#goOn(this.#recovered as RecoveredRun, now);
    if (this.state.status !== 'created') return;
    const { plan, seed, limits } = this.#parts.options;
    this.#count(now);
    this.#record.planStarted(plan, seed, limits, now);
    this.#beginStrategy(now, () => {
      if (this.#starts.isPaused) this.#record.paused(now);
      this.#settling.readiness.start(now);
    });
  }

  #goOn(recovered: RecoveredRun, now: number): void {
    this.#recordResumption(now);
    this.#count(recovered.startedAt);
    this.#beginStrategy(now, () => recovered.takeUp(now));
  }

  #recordResumption(now: number): void {
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#recovered?.record(now);
  }

  /** What limits the run by time counts from then on. */
  #count(from: number): void {
    this.#end.deadline = from + this.#parts.options.deadlineMs;
    this.#parts.budget?.start(from);
  }

  #beginStrategy(now: number, work: () => void): void {
    const { strategy } = this.#parts.options;
    this.#record.strategyInitialized(strategy.name, this.#starts.maxParallel, now);
    this.#step(now, () => {
      this.#starts.begin();
      work();
    });
  }

  /** The running attempt at a task brought its output. */
  completed(index: number, result: AttemptResult, now: number): void {
    const durationMs = now - this.state.startedAtOf(index);
    this.#attempts.completed(index, result, now);
    this.#starts.now = now;
    // Without a closure, unlike rarer inputs: this is once a task.
    try {
      this.#starts.completed(index, durationMs, result);
      this.#settling.completed(index, now);
      this.#proceed(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /** The running attempt at a task failed. */
  failed(index: number, thrown: unknown, now: number): void {
    this.#step(now, () => this.#attemptFailed(index, thrown, now));
  }

  #attemptFailed(index: number, thrown: unknown, now: number): void {
    const failed = this.#attempts.failed(index, thrown, now);
    const { error, delayMs } = failed;
    this.#starts.failed(index, failed, now);
    if (delayMs === undefined) this.#settling.failed(index, error, now);
    else this.#timers.set(index, now + delayMs);
  }

  /** The running attempt at a task reported a part of its output. */
  output(index: number, part: OutputPart, now: number): void {
    this.#record.output(index, part, now);
    if (this.#starts.isListening) this.#step(now, () => this.#starts.output(index, part));
  }

  /** A human answered; for an approval, `true` gives it and anything else refuses. */
  answered(index: number, answer: unknown, now: number): void {
    this.#step(now, () => this.#humanSteps.answer(index, answer, now));
  }

  /** A human refused to answer. */
  rejected(index: number, reason: unknown, now: number): void {
    this.#step(now, () => this.#humanSteps.reject(index, reason, now));
  }

  /** Tasks are about to be added: until they are, the run does not end for want of others. */
  expectTasks(): void {
    this.#expected++;
  }

  /**
   * The plan grows; the tasks have been checked.
   *
   * @param by The task that adds them; -1 for none.
   */
  addTasks(tasks: readonly Task[], by: number, now: number): void {
    if (this.#expected > 0) this.#expected--;
    this.#step(now, () => {
      const first = this.graph.size;
      this.#record.tasksAdded('add_tasks', tasks, by, now);
      this.#openings.admit(first, now);
    });
  }

  /** The round of re-planning under way has its answer; it has been checked. */
  replanned(revision: Revision, now: number): void {
    this.#step(now, () => {
      const first = this.graph.size;
      this.#end.replanned(revision, now);
      if (this.graph.size > first) this.#openings.admit(first, now);
    });
  }

  /** The round of re-planning under way brought nothing that can be used. */
  replanFailed(thrown: unknown, now: number): void {
    this.#step(now, () => this.#end.replanFailed(thrown, now));
  }

  /** Nothing starts until `resume`; what runs goes on. Before the start, the run begins paused. */
  pause(now: number): void {
    if (this.#starts.isPaused || this.ended) return;
    this.#starts.isPaused = true;
    if (this.#isUnderWay) this.#record.paused(now);
  }

  resume(now: number): void {
    if (!this.#starts.isPaused || this.ended) return;
    this.#starts.isPaused = false;
    if (!this.#isUnderWay) return;
    this.#record.resumed(now);
    this.#step(now, () => {});
  }

  /** Attempts in flight above a lowered cap go on; none starts until there are fewer. */
  setMaxParallel(maxParallel: number, now: number): void {
    if (maxParallel === this.#starts.maxParallel || this.ended) return;
    this.#starts.maxParallel = maxParallel;
    if (!this.#isUnderWay) return;
    this.#record.maxParallelChanged(maxParallel, now);
    this.#step(now, () => {});
  }

  /** Time has passed; to be called at `nextWake`, harmless at any other time. */
  wake(now: number): void {
    if (this.ended) return;
    if (now >= this.#end.deadline) {
      this.#end.timeUp(now);
      return;
    }
    this.#step(now, () => {
      for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
        this.#timeUp(due, now);
      }
    });
  }

  /** A task's timer is due. */
  #timeUp(index: number, now: number): void {
    if (this.state.statusOf(index) === 'running') {
      this.#attemptFailed(index, this.#attempts.timeUp(index), now);
    } else if (this.#humanSteps.has(index)) this.#humanSteps.timeUp(index, now);
    else this.#starts.ready(index, now);
  }

  /**
   * Stops the run: what runs is aborted, nothing new starts. Before the start, it takes the place
   * of it; once the run has ended it has no effect.
   */
  cancel(cause: unknown, now: number): void {
    if (this.ended) return;
    const { plan, seed, limits } = this.#parts.options;
    if (this.state.status === 'created') this.#record.planStarted(plan, seed, limits, now);
    else this.#recordResumption(now);
    this.#end.cancel(cause, now);
  }

  // --- What every input leads to ---

  /** Does one input's work, and what follows from it. */
  #step(now: number, work: () => void): void {
    if (this.ended) return;
    this.#starts.now = now;
    try {
      work();
      // A run that was about to end when its process did has ended now.
      if (!this.ended) this.#proceed(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /** Starts what can start; ends the run when all is done. */
  #proceed(now: number): void {
    this.#settling.workOff(now);
    const askAgainAt = this.#starts.dispatch(now);
    const timer = this.#timers.size === 0 ? askAgainAt : this.#timers.next;
    const { deadline } = this.#end;
    this.nextWake = Math.min(askAgainAt, deadline, timer, this.#starts.pauses.next);
    if (this.#expected > 0) return;
    if (this.state.settled === this.graph.size) this.#end.finish(this.#starts.isPaused, now);
    else if (this.#isStuck(askAgainAt, now)) throw this.#starts.stalled();
  }

  /** Nothing is under way that could ever make the strategy be asked again. */
  #isStuck(askAgainAt: number, now: number): boolean {
    return (
      now < this.#end.deadline &&
      this.state.running === 0 &&
      askAgainAt === Number.POSITIVE_INFINITY &&
      this.#timers.size === 0 &&
      this.#starts.pauses.size === 0 &&
      this.#humanSteps.size === 0 &&
      this.state.replan.since === undefined &&
      !this.#starts.isPaused
    );
  }

  /** A strategy that breaks its contract ends the run. */
  #breakOff(error: unknown, now: number): void {
    if (!(error instanceof StrategyError)) throw error;
    this.#end.strategyFailed(error, now);
  }
}
