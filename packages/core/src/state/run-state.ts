import type { StratagemError, TaskError } from '../contract/errors.js';
import type {
  CancelReason,
  PlanEvent,
  RetriedTask,
  RunResumed,
  SkipReason,
  TaskFailed,
  TaskSkipped,
  TasksAdded,
} from '../contract/event.js';
import type { GoalMetric, GoalProgress } from '../contract/goal.js';
import type { PlanStatus, TaskStatus } from '../contract/status.js';
import type { Graph } from '../graph/graph.js';
import { TaskKind } from '../graph/task-kind.js';
import { Failures } from './failures.js';
import { ReplanState } from './replan-state.js';
import { Spending } from './spending.js';
import { type TaskResult, taskResultOf } from './task-result.js';

/**
 * What a log says about a run so far: a fold of its events, and all that the kernel knows about
 * the past. `apply` is the only way to change it, and the graph grows with it.
 */
export class RunState {
  readonly graph: Graph;
  status: PlanStatus = 'created';
  /** Why the run did not complete. */
  error: StratagemError | undefined;
  /** Tasks in a final status. */
  settled = 0;
  /** Attempts in flight. */
  running = 0;
  completed = 0;
  failed = 0;
  skipped = 0;
  /** Attempts that were started. */
  attempts = 0;
  /**
   * Failures that make the plan fail: all but those that a fan-out, a parent or a round of
   * re-planning answers for.
   */
  readonly failures = new Failures();
  readonly replan = new ReplanState();
  readonly spending = new Spending();
  /** How far the goal was reached when it was last checked. */
  goalProgress: GoalProgress | undefined;

  readonly #statuses: TaskStatus[];
  readonly #attempts: number[];
  /** Set by whatever ended the task: the completion, the failure, the skip or the cancellation. */
  readonly #last: (PlanEvent | undefined)[];
  readonly #startedAt: number[];
  /** Attempts before a resumption that does the task once more. */
  readonly #triesBefore = new Map<number, number>();
  /** When it started, later by the time that was spent down. */
  planStartedAt = 0;

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

  /** Attempts since the task was last given a fresh start: those that its retry policy counts. */
  triesOf(index: number): number {
    return this.attemptsOf(index) - (this.#triesBefore.get(index) ?? 0);
  }

  startedAtOf(index: number): number {
    return this.#startedAt[index] as number;
  }

  outputOf(index: number): unknown {
    const last = this.#last[index];
    return last?.type === 'task_completed' ? last.output : undefined;
  }

  /** Why a task was skipped or canceled. */
  reasonOf(index: number): SkipReason | CancelReason | undefined {
    const last = this.#last[index];
    return last?.type === 'task_skipped' || last?.type === 'task_canceled'
      ? last.reason
      : undefined;
  }

  /** The task whose failure a task that failed or was skipped goes back to. */
  failedTaskIdOf(index: number): string | undefined {
    const last = this.#last[index];
    if (last?.type === 'task_failed') return last.taskId;
    return last?.type === 'task_skipped' ? last.failedTaskId : undefined;
  }

  errorOf(index: number): TaskError | undefined {
    const last = this.#last[index];
    return last?.type === 'task_failed' ? last.error : undefined;
  }

  /** A figure that the criteria of a goal may use; undefined for a cost that is unknown. */
  figure(metric: GoalMetric, now: number): number | undefined {
    switch (metric) {
      case 'completedTasks':
        return this.completed;
      case 'failedTasks':
        return this.failed;
      case 'skippedTasks':
        return this.skipped;
      case 'totalTasks':
        return this.graph.size;
      case 'attempts':
        return this.attempts;
      case 'inputTokens':
        return this.spending.usage.inputTokens;
      case 'outputTokens':
        return this.spending.usage.outputTokens;
      case 'totalTokens':
        return this.spending.totalTokens;
      case 'costUsd':
        return this.spending.costUsd ?? undefined;
      case 'executionTimeMs':
        return now - this.planStartedAt;
      case 'successRate':
        return this.graph.size === 0 ? 0 : this.completed / this.graph.size;
    }
  }

  /** @param index The task the event is about; looked up by its id when left out. */
  apply(event: PlanEvent, index = this.#indexOf(event)): void {
    switch (event.type) {
      case 'plan_started':
        this.status = 'running';
        this.planStartedAt = event.timestamp;
        if (event.spentBefore !== undefined) this.spending.begin(event.spentBefore);
        break;
      case 'task_started':
        this.#statuses[index] = 'running';
        this.#attempts[index] = event.attempt;
        this.#startedAt[index] = event.timestamp;
        this.running++;
        this.attempts++;
        break;
      case 'task_completed':
        if (event.attempt > 0) this.running--;
        this.completed++;
        this.spending.add(event.usage, event.costUsd);
        this.#settle(index, 'completed', event);
        break;
      case 'task_retrying':
        this.running--;
        this.spending.add(event.error.usage, event.error.costUsd);
        this.#statuses[index] = 'pending';
        this.#attempts[index] = event.attempt + furtherTries(event.error);
        break;
      case 'task_failed':
        if (event.attempt > 0) this.running--;
        this.failed++;
        this.#countFailure(index, event);
        this.spending.add(event.error.usage, event.error.costUsd);
        this.#attempts[index] = event.attempt + furtherTries(event.error);
        this.#settle(index, 'failed', event);
        break;
      case 'task_skipped':
        this.skipped++;
        if (event.reason === 'dependency_failed') this.#countDropped(index, event);
        this.#settle(index, 'skipped', event);
        break;
      case 'tasks_added':
        this.#grow(event, index);
        break;
      case 'task_canceled':
        if (this.#statuses[index] === 'running') this.running--;
        this.#settle(index, 'canceled', event);
        break;
      case 'replan_started':
        this.replan.apply(event);
        break;
      case 'replan_completed':
        this.replan.apply(event);
        this.spending.add(event.usage, event.costUsd);
        break;
      case 'replan_failed':
        this.replan.apply(event);
        this.spending.add(event.error.usage, event.error.costUsd);
        break;
      case 'run_resumed':
        this.#goOn(event);
        break;
      case 'goal_checked': {
        const { progress, achieved, criteria } = event;
        this.goalProgress = { progress, achieved, criteria };
        break;
      }
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
    return taskResultOf(index, this, this.#last[index]);
  }

  /** The time spent down is no part of what was under way. */
  #goOn(event: RunResumed): void {
    const { downMs, restarted, retried, timestamp } = event;
    this.replan.apply(event);
    this.replan.replaces = [];
    this.planStartedAt += downMs;
    for (let index = 0; index < this.graph.size; index++) {
      if (this.#statuses[index] === 'running')
        this.#startedAt[index] = this.startedAtOf(index) + downMs;
    }
    for (const id of restarted) this.#startedAt[this.graph.indexOf(id) as number] = timestamp;
    if (retried === undefined) return;
    this.status = 'running';
    this.error = undefined;
    this.failures.clear();
    for (const { taskId, was } of retried) this.#reset(this.graph.indexOf(taskId) as number, was);
  }

  #reset(index: number, was: RetriedTask['was']): void {
    if (was === 'failed') this.failed--;
    else if (was === 'skipped') this.skipped--;
    this.settled--;
    this.#statuses[index] = 'pending';
    this.#last[index] = undefined;
    this.#triesBefore.set(index, this.attemptsOf(index));
  }

  #grow(event: TasksAdded, parent: number): void {
    const fansOut = event.source === 'for_each';
    this.graph.add(event.tasks, fansOut ? parent : undefined, fansOut ? TaskKind.item : 0);
    if (event.source === 'replan') this.#replaceFailures();
    for (let index = this.#statuses.length; index < this.graph.size; index++) {
      this.#statuses.push('pending');
      this.#attempts.push(0);
      this.#last.push(undefined);
      this.#startedAt.push(0.5);
    }
  }

  /** Only now that the tasks are there which make up for them: a log may end before. */
  #replaceFailures(): void {
    const { replan, graph, failures } = this;
    replan.tasks += graph.size - this.#statuses.length;
    for (const id of replan.replaces) failures.replace(graph.indexOf(id) as number, replan.rounds);
    replan.replaces = [];
  }

  #countFailure(index: number, { attempt, error }: TaskFailed): void {
    const traits = this.graph.kindOf(index);
    if ((traits & TaskKind.item) !== 0) return;
    const isGroup = (traits & TaskKind.subtasks) !== 0 && (traits & TaskKind.forEach) === 0;
    // A parent that fails for its subtasks: the failure has been counted where it happened. An
    // attempt may end with the same code, and so may a group that could not even begin.
    if (error.code === 'subtasks_failed' && isGroup && attempt === 0 && this.#isOver(index)) return;
    this.failures.add(index, error);
  }

  /**
   * A fan-out answers for a failed element with those that succeeded, but not for a task outside
   * of it that needed that very element: without it, the plan has not done what it says. Nor has
   * it when a task needs a failed one that a round of re-planning may have made up for.
   */
  #countDropped(index: number, { failedTaskId }: TaskSkipped): void {
    if ((this.graph.kindOf(index) & TaskKind.item) !== 0 || failedTaskId === undefined) return;
    const failed = this.graph.indexOf(failedTaskId) as number;
    const isElement = (this.graph.kindOf(failed) & TaskKind.item) !== 0;
    if (!isElement && this.replan.rounds === 0) return;
    if (!this.failures.has(failed)) this.failures.add(failed, this.errorOf(failed) as TaskError);
  }

  /** Whether all children of a group are settled. */
  #isOver(group: number): boolean {
    let isOver = true;
    this.graph.eachChild(group, (child) => {
      if (this.statusOf(child) === 'pending') isOver = false;
    });
    return isOver;
  }

  #settle(index: number, status: TaskStatus, event: PlanEvent): void {
    this.#statuses[index] = status;
    this.#last[index] = event;
    this.settled++;
  }

  #indexOf(event: PlanEvent): number {
    const { taskId } = event as { taskId?: string };
    return taskId === undefined ? -1 : (this.graph.indexOf(taskId) ?? -1);
  }
}

/** What an attempt counts for besides itself, where its runner tried more than once. */
function furtherTries({ tries = 1 }: TaskError): number {
  return tries - 1;
}
