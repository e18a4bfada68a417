import type { StratagemError, TaskError } from './errors.js';
import type { PlanEvent, TaskCanceled, TaskSkipped } from './event.js';
import type { Graph } from './graph.js';

/** Where a task stands. `pending` until it starts, and one of the last four for good. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'canceled';

/** Where a plan stands. */
export type PlanStatus = 'created' | 'running' | 'completed' | 'failed' | 'canceled';

/** What became of one task. */
export interface TaskResult {
  readonly id: string;
  readonly status: TaskStatus;
  readonly level: number;
  /** How often it was started. */
  readonly attempts: number;
  /** Undefined unless completed. */
  readonly output?: unknown;
  /** Why it failed. */
  readonly error?: TaskError;
  /** Why it was skipped or canceled. */
  readonly reason?: (TaskSkipped | TaskCanceled)['reason'];
  /** For a skipped task: the task whose failure led to it. */
  readonly failedTaskId?: string;
  /** Start of the last attempt, as Unix time in milliseconds. */
  readonly startedAt?: number;
  /** When a started task reached its final status, as Unix time in milliseconds. */
  readonly completedAt?: number;
  /** Length of the last attempt. */
  readonly durationMs?: number;
}

/**
 * What a log says about a run so far: a fold of its events, and all that the kernel knows about
 * the past. `apply` is the only way to change it.
 */
export class RunState {
  readonly graph: Graph;
  status: PlanStatus = 'created';
  /** Why the run did not complete. */
  error: StratagemError | undefined;
  /** Tasks in a final status. */
  settled = 0;
  running = 0;
  failed = 0;
  firstFailure: TaskError | undefined;

  readonly #statuses: TaskStatus[];
  readonly #attempts: number[];
  /** Set by whatever ended the task: the completion, the failure, the skip or the cancellation. */
  readonly #last: (PlanEvent | undefined)[];
  readonly #startedAt: number[];

  constructor(graph: Graph) {
    this.graph = graph;
    this.#statuses = new Array(graph.size).fill('pending');
    this.#attempts = new Array(graph.size).fill(0);
    this.#last = new Array(graph.size).fill(undefined);
    this.#startedAt = new Array(graph.size).fill(0.5);
  }

  statusOf(index: number): TaskStatus {
    return this.#statuses[index] as TaskStatus;
  }

  attemptsOf(index: number): number {
    return this.#attempts[index] as number;
  }

  startedAtOf(index: number): number {
    return this.#startedAt[index] as number;
  }

  outputOf(index: number): unknown {
    const last = this.#last[index];
    return last?.type === 'task_completed' ? last.output : undefined;
  }

  /** @param index The task the event is about; looked up by its id when left out. */
  apply(event: PlanEvent, index = this.#indexOf(event)): void {
    switch (event.type) {
      case 'plan_started':
        this.status = 'running';
        break;
      case 'task_started':
        this.#statuses[index] = 'running';
        this.#attempts[index] = event.attempt;
        this.#startedAt[index] = event.timestamp;
        this.running++;
        break;
      case 'task_completed':
        this.running--;
        this.#settle(index, 'completed', event);
        break;
      case 'task_failed':
        this.running--;
        this.failed++;
        this.firstFailure ??= event.error;
        this.#settle(index, 'failed', event);
        break;
      case 'task_skipped':
        this.#settle(index, 'skipped', event);
        break;
      case 'task_canceled':
        if (this.#statuses[index] === 'running') this.running--;
        this.#settle(index, 'canceled', event);
        break;
      case 'plan_completed':
        this.status = 'completed';
        break;
      case 'plan_failed':
        this.status = 'failed';
        this.error = event.error;
        break;
      case 'plan_canceled':
        this.status = 'canceled';
        this.error = event.error;
        break;
    }
  }

  resultOf(index: number): TaskResult {
    const attempts = this.attemptsOf(index);
    const last = this.#last[index];
    return {
      id: (this.graph.tasks[index] as { id: string }).id,
      status: this.statusOf(index),
      level: this.graph.levels[index] as number,
      attempts,
      ...(attempts > 0 && { startedAt: this.startedAtOf(index) }),
      ...(attempts > 0 && last !== undefined && { completedAt: last.timestamp }),
      ...(last !== undefined && endOf(last)),
    };
  }

  #settle(index: number, status: TaskStatus, event: PlanEvent): void {
    this.#statuses[index] = status;
    this.#last[index] = event;
    this.settled++;
  }

  #indexOf(event: PlanEvent): number {
    return 'taskId' in event ? (this.graph.indexOf(event.taskId) ?? -1) : -1;
  }
}

function endOf(event: PlanEvent): Partial<TaskResult> {
  switch (event.type) {
    case 'task_completed':
      return { durationMs: event.durationMs, output: event.output };
    case 'task_failed':
      return { durationMs: event.durationMs, error: event.error };
    case 'task_skipped':
      return { reason: event.reason, failedTaskId: event.failedTaskId };
    case 'task_canceled':
      return event.durationMs === undefined
        ? { reason: event.reason }
        : { durationMs: event.durationMs, reason: event.reason };
    default:
      return {};
  }
}
