import { RunnerError, TaskError } from '../contract/errors.js';
import { costOf } from '../contract/price.js';
import { maxAttemptsOf, type RetryPolicy, retryDelay } from '../contract/retry.js';
import type { AttemptResult } from '../contract/runner.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { RunState } from '../state/run-state.js';
import type { Command } from './command.js';
import type { KernelParts } from './kernel-parts.js';
import type { KernelOptions } from './options.js';
import type { Recorder } from './recorder.js';
import type { RunEnd } from './termination.js';
import type { Timers } from './timers.js';

/** What has become of an attempt that failed. */
export interface FailedAttempt {
  readonly error: TaskError;
  readonly durationMs: number;
  /** How long until it is repeated; undefined when it is not. */
  readonly delayMs: number | undefined;
}

/** The attempts at tasks: when each must be over, what it cost, and whether it is repeated. */
export class Attempts {
  readonly #options: KernelOptions;
  readonly #graph: Graph;
  readonly #state: RunState;
  readonly #record: Recorder;
  readonly #timers: Timers;
  readonly #readyAt: readonly number[];
  readonly #commands: Command[];
  readonly #end: RunEnd;
  /** Of attempts at tasks that have none of their own. */
  readonly #timeoutMs: number;

  constructor(parts: KernelParts, end: RunEnd) {
    const { options } = parts;
    this.#options = options;
    this.#graph = parts.graph;
    this.#state = parts.state;
    this.#record = parts.record;
    this.#timers = parts.timers;
    this.#readyAt = parts.readyAt;
    this.#commands = parts.commands;
    this.#end = end;
    this.#timeoutMs = options.plan.timeoutMs ?? options.timeoutMs;
  }

  /** How many tries a task has left when this attempt begins, this one included. */
  left(index: number, attempt: number): number {
    const before = this.#state.attemptsOf(index) - this.#state.triesOf(index);
    return Math.max(1, maxAttemptsOf(this.#retryOf(index)) - (attempt - before) + 1);
  }

  begin(index: number, now: number): void {
    const attempt = this.#state.attemptsOf(index) + 1;
    this.#record.started(index, attempt, now - (this.#readyAt[index] as number), now);
    this.launch(index, now);
  }

  /** The attempt that the state says is in flight. */
  launch(index: number, now: number): void {
    const attempt = this.#state.attemptsOf(index);
    const timeoutMs = this.#timeoutOf(index);
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.#timers.set(index, now + timeoutMs);
    const until = Math.min(this.#end.deadline, now + timeoutMs);
    const deadline = until === Number.POSITIVE_INFINITY ? undefined : until;
    this.#commands.push({ type: 'start', index, attempt, deadline });
  }

  completed(index: number, result: AttemptResult, now: number): void {
    this.#over(index);
    this.#record.completed(index, this.#priced(result), now);
  }

  failed(index: number, thrown: unknown, now: number): FailedAttempt {
    this.#over(index);
    const error = new TaskError(this.#task(index).id, thrown, this.#options.prices);
    const durationMs = now - this.#state.startedAtOf(index);
    const delayMs = this.#retryDelay(index, error, now);
    if (delayMs === undefined) this.#record.failed(index, error, now);
    else this.#record.retrying(index, error, delayMs, now);
    return { error, durationMs, delayMs };
  }

  /** The attempt has not ended in time: it is aborted, and has failed with this. */
  timeUp(index: number): RunnerError {
    const message = `no answer within its timeout of ${this.#timeoutOf(index)} ms`;
    const error = new RunnerError('timeout', message);
    this.#commands.push({ type: 'abort', index, error });
    return error;
  }

  #over(index: number): void {
    if (this.#timers.size > 0) this.#timers.clear(index);
  }

  /** The user's prices go before what a runner says. */
  #priced(result: AttemptResult): AttemptResult {
    const { usage, model } = result;
    const costUsd = usage && costOf(usage, model, this.#options.prices);
    return costUsd === undefined ? result : { ...result, costUsd };
  }

  #retryDelay(index: number, error: TaskError, now: number): number | undefined {
    if (this.#end.stop !== undefined) return undefined;
    const { code, retryAfterMs, taskId, tries = 1 } = error;
    const attempt = this.#state.triesOf(index) + tries - 1;
    const failed = { taskId, attempt, code, retryAfterMs };
    const delayMs = retryDelay(this.#retryOf(index), failed, this.#options.seed);
    // There is no point in waiting for an attempt that could not start any more.
    return delayMs === undefined || now + delayMs >= this.#end.deadline ? undefined : delayMs;
  }

  #retryOf(index: number): RetryPolicy | undefined {
    return this.#task(index).retry ?? this.#options.plan.retry ?? this.#options.retry;
  }

  #timeoutOf(index: number): number {
    return this.#task(index).timeoutMs ?? this.#timeoutMs;
  }

  #task(index: number): Task {
    return this.#graph.tasks[index] as Task;
  }
}
