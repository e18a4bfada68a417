import { Dispatcher } from './dispatcher.js';
import { describe, StratagemError, StrategyError, TaskError } from './errors.js';
import type { CancelReason } from './event.js';
import type { Graph } from './graph.js';
import type { Plan } from './plan.js';
import { type Emit, type Ending, Recorder } from './recorder.js';
import { RunState } from './run-state.js';
import type { TaskOutput } from './runner.js';
import type { RunView, Strategy } from './strategy.js';
import type { Task } from './task.js';

/** What the kernel is to run, and the limits it enforces. */
export interface KernelOptions {
  readonly plan: Plan;
  /** The graph of that plan. */
  readonly graph: Graph;
  readonly strategy: Strategy;
  /** The most attempts in flight at once. */
  readonly maxParallel: number;
  /** Stop everything at the first failed task. */
  readonly failFast: boolean;
  /** The longest the run may take, in milliseconds; Infinity for no limit. */
  readonly timeoutMs: number;
  /** What an attempt at a task competes for; see `TaskView.resource`. */
  readonly resourceOf: (task: Task) => string;
}

/** What the driver is to do. Tasks are named by their index in the plan. */
export type Command =
  | { readonly type: 'start'; readonly index: number; readonly attempt: number }
  | { readonly type: 'abort'; readonly index: number; readonly error: StratagemError };

/**
 * The scheduler proper: a deterministic state machine without I/O. Inputs (an attempt ended, time
 * passed, cancel) go in by its methods; events come out through `emit`, and `commands` holds what
 * the driver is to do. It reads no clock: every input brings the time.
 *
 * The same kernel runs in process, in virtual time and from a recorded log.
 */
export class Kernel {
  /** Work for the driver, in order: to be done and removed after each input. */
  readonly commands: Command[] = [];
  /** When `wake` is to be called, as Unix time in milliseconds; Infinity for never. */
  nextWake = Number.POSITIVE_INFINITY;
  readonly state: RunState;

  readonly #options: KernelOptions;
  readonly #graph: Graph;
  readonly #record: Recorder;
  #dispatcher: Dispatcher | undefined;
  #deadline = Number.POSITIVE_INFINITY;
  /** For each task, its dependencies that have not completed. */
  readonly #waiting: number[] = [];
  /** For each task, when it became ready. */
  readonly #readyAt: number[];

  constructor(options: KernelOptions, emit: Emit) {
    this.#options = options;
    this.#graph = options.graph;
    this.state = new RunState(options.graph);
    this.#record = new Recorder(options.graph, this.state, emit);
    for (let index = 0; index < this.#graph.size; index++) {
      this.#waiting.push(this.#graph.dependencyCount(index));
    }
    // A fraction makes it an array of doubles from the start.
    this.#readyAt = new Array(this.#graph.size).fill(0.5);
  }

  get ended(): boolean {
    const { status } = this.state;
    return status !== 'created' && status !== 'running';
  }

  /** Begins the run; to be called once, before any other input. */
  start(now: number): void {
    const { plan, strategy, maxParallel, timeoutMs, resourceOf } = this.#options;
    this.#deadline = now + timeoutMs;
    this.#record.planStarted(plan, now);
    this.#record.strategyInitialized(strategy.name, maxParallel, now);
    try {
      this.#dispatcher = new Dispatcher(strategy, this.#runView(), this.#graph, resourceOf);
      for (let index = 0; index < this.#graph.size; index++) {
        if (this.#waiting[index] === 0) this.#becomeReady(index, now);
      }
      this.#dispatch(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /** The running attempt at a task brought its output. */
  completed(index: number, result: TaskOutput, now: number): void {
    const durationMs = now - this.state.startedAtOf(index);
    this.#record.completed(index, result, now);
    try {
      this.#dispatcher?.settled(index, durationMs, undefined, result.usage);
      this.#graph.eachDependent(index, (dependent) => {
        const waiting = (this.#waiting[dependent] as number) - 1;
        this.#waiting[dependent] = waiting;
        if (waiting === 0) this.#becomeReady(dependent, now);
      });
      this.#dispatch(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /** The running attempt at a task failed. */
  failed(index: number, thrown: unknown, now: number): void {
    const { id: taskId } = this.#task(index);
    const error = new TaskError(taskId, thrown);
    const durationMs = now - this.state.startedAtOf(index);
    this.#record.failed(index, error, now);
    try {
      this.#dispatcher?.settled(index, durationMs, error, error.usage);
      if (this.#options.failFast) this.#stopAtFailure(taskId, error, now);
      else this.#skipDependents(index, now);
      this.#dispatch(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /** The running attempt at a task reported a piece of text. */
  output(index: number, text: string, now: number): void {
    this.#record.output(index, text, now);
  }

  /** Time has passed; to be called at `nextWake`, harmless at any other time. */
  wake(now: number): void {
    if (this.ended) return;
    if (now >= this.#deadline) {
      const message = `The plan was stopped: it did not end within ${this.#options.timeoutMs} ms`;
      const error = new StratagemError('plan_timeout', message);
      this.#cancelAll('plan_timeout', error, now);
      this.#end({ type: 'plan_failed', error }, now);
      return;
    }
    try {
      this.#dispatch(now);
    } catch (error) {
      this.#breakOff(error, now);
    }
  }

  /**
   * Stops the run: what runs is aborted, nothing new starts. Before the start, it takes the place
   * of it; once the run has ended it has no effect.
   */
  cancel(cause: unknown, now: number): void {
    if (this.ended) return;
    if (this.state.status === 'created') this.#record.planStarted(this.#options.plan, now);
    const because = cause === undefined ? '' : `: ${describe(cause)}`;
    const error = new StratagemError('plan_canceled', `The plan was canceled${because}`, { cause });
    this.#cancelAll('plan_canceled', error, now);
    this.#end({ type: 'plan_canceled', error }, now);
  }

  #task(index: number): Task {
    return this.#graph.tasks[index] as Task;
  }

  #becomeReady(index: number, now: number): void {
    // A task that waited for a completed dependency may have been skipped for a failed one.
    if (this.state.statusOf(index) !== 'pending') return;
    this.#readyAt[index] = now;
    this.#dispatcher?.ready(index);
  }

  /** Starts what the strategy chooses until it, or the cap, says stop; ends the run when all is done. */
  #dispatch(now: number): void {
    const dispatcher = this.#dispatcher as Dispatcher;
    let wait = Number.POSITIVE_INFINITY;
    while (dispatcher.readyCount > 0 && this.state.running < this.#options.maxParallel) {
      const choice = dispatcher.next(now);
      if (typeof choice !== 'number') {
        wait = choice?.until ?? wait;
        break;
      }
      this.#begin(choice, now);
    }
    this.nextWake = Math.min(wait, this.#deadline);
    if (this.state.settled === this.#graph.size) this.#finish(now);
    else if (this.state.running === 0 && wait === Number.POSITIVE_INFINITY) {
      throw dispatcher.stalled();
    }
  }

  #begin(index: number, now: number): void {
    const attempt = this.state.attemptsOf(index) + 1;
    this.#record.started(index, attempt, now - (this.#readyAt[index] as number), now);
    this.commands.push({ type: 'start', index, attempt });
  }

  /** Everything that hangs on a failed task is skipped; over a run, each edge is followed once. */
  #skipDependents(failed: number, now: number): void {
    const failedTaskId = this.#task(failed).id;
    const stack = [failed];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      this.#graph.eachDependent(index, (dependent) => {
        if (this.state.statusOf(dependent) !== 'pending') return;
        this.#record.skipped(dependent, 'dependency_failed', failedTaskId, now);
        stack.push(dependent);
      });
    }
  }

  #stopAtFailure(failedTaskId: string, error: TaskError, now: number): void {
    for (let index = 0; index < this.#graph.size; index++) {
      const status = this.state.statusOf(index);
      if (status === 'running') this.#cancelTask(index, 'fail_fast', error, now);
      else if (status === 'pending') this.#record.skipped(index, 'fail_fast', failedTaskId, now);
    }
    this.#dispatcher?.clear();
  }

  /** Aborts what runs and cancels what has not started. */
  #cancelAll(reason: CancelReason, error: StratagemError, now: number): void {
    for (let index = 0; index < this.#graph.size; index++) {
      const status = this.state.statusOf(index);
      if (status === 'running' || status === 'pending') this.#cancelTask(index, reason, error, now);
    }
  }

  #cancelTask(index: number, reason: CancelReason, error: StratagemError, now: number): void {
    const running = this.state.statusOf(index) === 'running';
    this.#record.canceled(index, reason, now);
    if (running) this.commands.push({ type: 'abort', index, error });
  }

  #finish(now: number): void {
    const { failed, firstFailure } = this.state;
    if (firstFailure === undefined) {
      this.#end({ type: 'plan_completed' }, now);
      return;
    }
    const others = failed === 1 ? '' : ` (the first of ${failed} failures)`;
    const message = `The plan failed. ${firstFailure.message}${others}`;
    const error = new StratagemError('plan_failed', message, { cause: firstFailure });
    this.#end({ type: 'plan_failed', error }, now);
  }

  #breakOff(error: unknown, now: number): void {
    if (!(error instanceof StrategyError)) throw error;
    this.#cancelAll('invalid_strategy', error, now);
    this.#end({ type: 'plan_failed', error }, now);
  }

  #end(ending: Ending, now: number): void {
    this.#record.planEnded(ending, now);
    this.nextWake = Number.POSITIVE_INFINITY;
  }

  /** Live figures for the strategy, and no way to change them. */
  #runView(): RunView {
    const kernel = this;
    return {
      get maxParallel() {
        return kernel.#options.maxParallel;
      },
      get totalTasks() {
        return kernel.#graph.size;
      },
      get running() {
        return kernel.state.running;
      },
      get ready() {
        return kernel.#dispatcher?.readyCount ?? 0;
      },
      get remaining() {
        return kernel.#graph.size - kernel.state.settled;
      },
    };
  }
}
