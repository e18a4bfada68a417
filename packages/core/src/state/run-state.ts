import type { TaskError } from '../contract/errors.js';
import {
  type GoalChecked,
  isMadeFromTemplate,
  type RetriedTask,
  type RunEvent,
  type RunResumed,
  type TaskCanceled,
  type TaskFailed,
  type TaskRetrying,
  type TaskSkipped,
  type TasksAdded,
} from '../contract/event.js';
import type { AttemptResult } from '../contract/runner.js';
import { isNotChosenFor } from '../contract/skip-reason.js';
import { asksModel, estimateOf, type Task } from '../contract/task.js';
import type { Usage } from '../contract/usage.js';
import { NONE } from '../graph/arrays.js';
import { TaskKind } from '../graph/task-kind.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, hasDetails, STARTED } from './event-log.js';
import { RunFacts } from './run-facts.js';
import { stopForBudget, stopForFailure, stopForGoal } from './stops.js';
import { CANCELED, DONE, FAILED, PENDING, RUNNING, SKIPPED } from './task-states.js';
import { furtherTries } from './tries.js';

/** The key under which a round of re-planning reserves its budget, among the indexes of tasks. */
const REPLAN_ROUND = -1;

/**
 * The fold of a log: what a run has come to. `fold` is the only way to change it, live, on resume, in
 * a report and in a test, so it cannot know anything that the log does not say.
 */
export class RunState extends RunFacts {
  /** The position that is being folded. */
  #position = 0;

  /**
   * Appends the start of the next attempt at a task, and folds it.
   *
   * @param resource What it competes for.
   */
  recordStart(index: number, now: number, resource: string): void {
    const attempt = (this.attemptCounts[index] as number) + 1;
    // A retry may have come due while the run was down.
    const waitMs = Math.max(0, now - this.#readyAt(index));
    const hasOwn = (this.graph.kindOf(index) & TaskKind.ownResource) !== 0;
    const usual = hasOwn ? this.usualResourceOf(index) : this.resource;
    const named = resource === usual ? undefined : resource;
    this.#position = this.log.push(STARTED, index, now, attempt, waitMs, named);
    this.#foldStarted(index, attempt, now, named);
  }

  /** Appends the completion of a task, and folds it. */
  recordCompletion(index: number, durationMs: number, result: AttemptResult, now: number): void {
    const attempt = this.attemptCounts[index] as number;
    this.#position = hasDetails(result)
      ? this.log.push(COMPLETED_WITH_DETAILS, index, now, attempt, durationMs, result)
      : this.log.push(COMPLETED, index, now, attempt, durationMs, result.output);
    if (result.usage !== undefined || result.costUsd !== undefined) this.#spend(index, result);
    this.#foldCompleted(index);
  }

  /** Appends a recorded event and folds it. */
  apply(event: RunEvent, index = this.#indexOf(event)): void {
    this.fold(this.log.append(event, index));
  }

  /** Takes one entry of the log into account; entries are folded once, in order. */
  fold(position: number): void {
    const { log } = this;
    const index = log.indexAt(position);
    this.#position = position;
    switch (log.kindAt(position)) {
      case STARTED:
        this.#foldStarted(
          index,
          log.attemptAt(position),
          log.timeAt(position),
          log.resourceAt(position),
        );
        break;
      case COMPLETED_WITH_DETAILS: {
        this.#spend(index, log.resultAt(position));
        this.#foldCompleted(index);
        break;
      }
      case COMPLETED:
        this.#foldCompleted(index);
        break;
      default:
        this.#foldOther(log.objectAt(position), index);
    }
  }

  #foldStarted(index: number, attempt: number, at: number, resource: string | undefined): void {
    if (this.resource === undefined && resource !== undefined) this.#foldResource(index, resource);
    if (this.budgetWaiting !== undefined) this.budgetWaiting = undefined;
    if (this.budget !== undefined) {
      const estimate = estimateOf(this.graph.tasks[index] as Task);
      this.budget.reserve(index, estimate, this.attemptsUnderPlan(index) === 0);
    }
    if (this.ledgers !== undefined || this.budgetWaits.size > 0) {
      this.#foldStartAt(resource ?? this.usualResourceOf(index), index);
    }
    this.statuses[index] = RUNNING;
    this.attemptCounts[index] = attempt;
    this.startTimes[index] = at;
    this.running++;
    this.policy.inFlight?.start(index);
    this.attempts++;
    if (this.retries.size > 0) this.retries.delete(index);
    if (this.policy.beginsLater) this.notBegun.add(index);
  }

  #foldStartAt(resource: string | undefined, index: number): void {
    if (resource === undefined) return;
    this.budgetWaits.delete(resource);
    this.ledgers?.reserve(resource, index, estimateOf(this.graph.tasks[index] as Task));
  }

  /** An attempt in flight has ended, and says what it used. */
  #spend(index: number, { usage, costUsd }: Pick<AttemptResult, 'usage' | 'costUsd'>): void {
    this.spending.add(usage, costUsd);
    this.ledgers?.spend(index, usage, costUsd);
  }

  #foldResource(index: number, resource: string): void {
    if (asksModel(this.graph.tasks[index] as Task)) this.resource = resource;
  }

  #foldCompleted(index: number): void {
    // A group completes without an attempt.
    if (this.statuses[index] === RUNNING) {
      this.running--;
      this.policy.inFlight?.end(index);
    }
    this.completed++;
    this.#settle(index, DONE);
    if (this.goal !== undefined && this.stop === undefined) {
      this.goal.completed(this.outputOf(index));
      this.unchecked++;
    }
    this.waits.settled(index, this.#position, 'completed');
  }

  #foldOther(event: RunEvent, index: number): void {
    switch (event.type) {
      case 'run_started':
        this.status = 'running';
        this.inputs = event.inputs;
        this.runStartedAt = this.limitsSince = event.timestamp;
        if (event.spentBefore !== undefined) {
          this.spending.begin(event.spentBefore);
          this.ledgers?.begin(event.spentBefore.resources);
        }
        if (event.attemptsBefore !== undefined) {
          this.tries.continueFrom(event.attemptsBefore);
          this.tries.grow(0, this.graph, this.attemptCounts);
        }
        this.waits.unblockRoots();
        break;
      case 'strategy_waiting':
        this.strategyWaits = true;
        break;
      case 'strategy_initialized':
        this.strategyWaits = false;
        this.maxParallel = event.maxParallel ?? Number.POSITIVE_INFINITY;
        break;
      case 'max_parallel_changed':
        this.maxParallel = event.maxParallel ?? Number.POSITIVE_INFINITY;
        break;
      case 'task_begun':
        this.startTimes[index] = event.timestamp;
        this.notBegun.delete(index);
        break;
      case 'task_retrying':
        this.#foldRetrying(event, index);
        break;
      case 'task_failed':
        this.#foldFailed(event, index);
        break;
      case 'task_waiting': {
        const { timeoutMs } = event;
        this.questions.set(index, { position: this.#position, timeoutMs });
        break;
      }
      case 'task_output':
        this.toolCalls.reported(index, event);
        break;
      case 'tool_approval_requested':
        this.approvals.requested(index, event, this.#position);
        break;
      case 'tool_approval_decided':
        // The time of a human is no part of an attempt, nor of its limits.
        this.startTimes[index] =
          (this.startTimes[index] as number) + this.approvals.decided(index, event);
        break;
      case 'task_skipped':
        this.#foldSkipped(event, index);
        break;
      case 'task_canceled':
        if (this.statuses[index] === RUNNING) this.#leave(index);
        this.#settle(index, CANCELED);
        if (event.reason === 'requested') this.#foldCanceled(event, index);
        else if (event.reason !== 'fail_fast' && event.reason !== 'goal_achieved') {
          this.canceling = event.reason;
        }
        break;
      case 'tasks_added':
        this.#foldAddition(event, index);
        break;
      case 'goal_checked':
        this.#foldGoalCheck(event);
        break;
      case 'goal_achieved':
        this.isGoalAnnounced = true;
        break;
      case 'criterion_met':
        this.goal?.meet(event.name);
        // The log may end here, or begin again with a changed plan.
        this.unchecked = Number.POSITIVE_INFINITY;
        break;
      case 'budget_waiting':
        if (event.resource === undefined) this.budgetWaiting = index;
        else this.budgetWaits.set(event.resource, index);
        break;
      case 'budget_exceeded':
        this.stop = stopForBudget(event, this.stop);
        break;
      case 'replan_started':
        this.unchecked = 0;
        this.budget?.reserve(REPLAN_ROUND, undefined, false);
        this.replan.apply(event);
        break;
      case 'replan_completed':
        this.#foldRound(event, event.usage, event.costUsd);
        break;
      case 'replan_failed':
        this.#foldRound(event, event.error.usage, event.error.costUsd);
        break;
      case 'run_paused':
        this.isPaused = true;
        break;
      case 'run_unpaused':
        this.isPaused = false;
        break;
      case 'places_waiting':
        this.isWaitingForPlaces = event.isWaiting;
        break;
      case 'resource_paused': {
        const until = event.timestamp + event.pauseMs;
        const before = this.cooldowns.get(event.resource);
        if (before !== undefined && before.until >= until) break;
        this.cooldowns.set(event.resource, { until, pauseMs: event.pauseMs });
        break;
      }
      case 'run_resumed':
        this.#foldResumption(event);
        break;
      case 'run_completed':
        this.status = 'completed';
        break;
      case 'run_failed':
        this.status = 'failed';
        this.error = event.error;
        break;
      case 'run_canceled':
        this.status = 'canceled';
        this.error = event.error;
        break;
    }
  }

  /** An attempt is no longer in flight. */
  #leave(index: number): void {
    this.running--;
    this.policy.inFlight?.end(index);
  }

  #foldRetrying({ attempt, error, timestamp, delayMs }: TaskRetrying, index: number): void {
    this.#leave(index);
    this.#spend(index, error);
    this.budget?.release(index, false);
    this.ledgers?.release(index, false);
    this.additions.delete(index);
    this.notBegun.delete(index);
    this.approvals.end(index);
    this.toolCalls.end(index);
    this.statuses[index] = PENDING;
    this.attemptCounts[index] = attempt + furtherTries(error);
    this.tries.repeated(index, error);
    this.retries.set(index, timestamp + delayMs);
  }

  #foldFailed(event: TaskFailed, index: number): void {
    const { attempt, error, taskId } = event;
    if (this.statuses[index] === RUNNING) this.#leave(index);
    this.failed++;
    this.failures.add(index, attempt, error);
    this.#spend(index, error);
    this.attemptCounts[index] = attempt + furtherTries(error);
    this.#settle(index, FAILED);
    this.#stopAtFailure(index, taskId, error);
  }

  /** A task that was canceled alone counts as failed. */
  #foldCanceled({ taskId, error, attempt }: TaskCanceled, index: number): void {
    if (error === undefined) return;
    this.failures.add(index, attempt, error);
    this.#stopAtFailure(index, taskId, error);
  }

  #stopAtFailure(index: number, failedTaskId: string, abort: TaskError): void {
    const isForFanOut = (this.graph.kindOf(index) & TaskKind.item) !== 0;
    if (!this.policy.failFast || isForFanOut || this.stop !== undefined) return;
    this.stop = stopForFailure(failedTaskId, abort);
  }

  #foldSkipped(event: TaskSkipped, index: number): void {
    this.skipped++;
    if (this.statuses[index] === RUNNING) this.#leave(index);
    if (event.reason === 'dependency_failed') {
      this.failures.addForSkipped(index, event.failedTaskId, this.replan.rounds);
    }
    this.#settle(index, SKIPPED);
    if (isNotChosenFor(event.reason)) this.waits.settled(index, this.#position, 'not_chosen');
    if (event.reason !== 'fail_fast' || this.stop !== undefined) return;
    const { failedTaskId = '' } = event;
    const failed = this.errorOf(this.graph.indexOf(failedTaskId) ?? NONE);
    this.stop = stopForFailure(failedTaskId, failed);
  }

  #foldGoalCheck({ progress, achieved, criteria }: GoalChecked): void {
    this.goalProgress = { progress, achieved, criteria };
    this.unchecked = 0;
    if (achieved) this.stop = stopForGoal(this.goal?.whenAchieved ?? 'finish');
  }

  #foldRound(event: RunEvent, usage: Usage | undefined, costUsd: number | undefined): void {
    this.replan.apply(event);
    this.spending.add(usage, costUsd);
    this.budget?.release(REPLAN_ROUND, false);
  }

  #foldAddition(event: TasksAdded, index: number): void {
    const { source, tasks, stream } = event;
    const isChild = isMadeFromTemplate(event);
    if (stream !== undefined) this.groups.hasRead(index, stream);
    const kinds = source === 'for_each' ? TaskKind.item : 0;
    const inherited = isChild ? this.graph.kindOf(index) & TaskKind.item : 0;
    const first = this.graph.add(tasks, isChild ? index : undefined, kinds | inherited);
    if (source === 'replan') this.replan.addTasks(this.graph, first, this.failures);
    this.#grow(first);
    if (isChild || index < 0) return;
    const ids = this.additions.get(index) ?? new Set();
    for (const { id } of tasks) ids.add(id);
    this.additions.set(index, ids);
  }

  /** The time that was spent down is no part of anything that was under way. */
  #foldResumption(event: RunResumed): void {
    const { downtimeMs, restarted, attached = [], retried, timestamp } = event;
    this.isWaitingForPlaces = false;
    this.replan.apply(event);
    this.replan.replaces = [];
    // The strategy chooses again.
    this.budgetWaiting = undefined;
    this.budgetWaits.clear();
    this.runStartedAt += downtimeMs;
    this.limitsSince += downtimeMs;
    this.shiftStarts(downtimeMs, new Set(attached));
    this.downtimes.add(timestamp, downtimeMs);
    for (const id of restarted) {
      const index = this.graph.indexOf(id) as number;
      this.startTimes[index] = timestamp;
      this.approvals.restarted(index, timestamp);
      this.toolCalls.restarted(index);
      if (this.policy.beginsLater) this.notBegun.add(index);
    }
    if (retried !== undefined) this.#foldSecondChance(retried, timestamp);
  }

  /** Some tasks are done once more, with a fresh start for the limits as well. */
  #foldSecondChance(retried: readonly RetriedTask[], timestamp: number): void {
    this.status = 'running';
    this.error = undefined;
    this.stop = undefined;
    this.canceling = undefined;
    this.isGoalAnnounced = false;
    this.limitsSince = timestamp;
    this.retries.clear();
    this.failures.clear();
    const indexes = retried.map(({ taskId }) => this.graph.indexOf(taskId) as number);
    this.groups.noteThoseThatBeginAgain(indexes);
    for (const [position, { was }] of retried.entries()) {
      this.#reset(indexes[position] as number, was);
    }
    if (!retried.some(({ was }) => was === 'completed')) return;
    this.goal?.reset();
    for (let index = 0; this.goal !== undefined && index < this.graph.size; index++) {
      if (this.statuses[index] === DONE) this.goal.completed(this.outputOf(index));
    }
  }

  #reset(index: number, was: RetriedTask['was']): void {
    if (was === 'completed') this.completed--;
    else if (was === 'failed') this.failed--;
    else if (was === 'skipped') this.skipped--;
    this.settled--;
    this.waits.blockAgain(index, was === 'completed', (dependent) =>
      this.questions.delete(dependent),
    );
    this.reopen(index);
    this.tries.startFresh(index, this.attemptsOf(index));
    this.groups.runsAgain(index);
  }

  #settle(index: number, status: number): void {
    this.statuses[index] = status;
    this.ends[index] = this.#position;
    this.settled++;
    if (status > DONE && !this.isNotChosen(index)) {
      this.waits.settled(index, this.#position, 'lost');
    }
    this.budget?.release(index, status === DONE);
    this.ledgers?.release(index, status === DONE);
    // Deleting from an empty map costs more than looking at its size, and this is once a task.
    if (this.retries.size > 0) this.retries.delete(index);
    if (this.budgetWaiting === index) this.budgetWaiting = undefined;
    if (this.budgetWaits.size > 0) this.#endBudgetWaits(index);
    if (this.questions.size > 0) this.questions.delete(index);
    if (this.approvals.size > 0) this.approvals.end(index);
    if (this.toolCalls.size > 0) this.toolCalls.end(index);
    if (this.additions.size > 0) this.additions.delete(index);
    if (this.notBegun.size > 0) this.notBegun.delete(index);
    if (this.graph.hasFamilies) this.groups.settled(index, this.#position);
  }

  #endBudgetWaits(index: number): void {
    for (const [resource, held] of this.budgetWaits) {
      if (held === index) this.budgetWaits.delete(resource);
    }
  }

  /** When the next attempt at a pending task could start, at the earliest. */
  #readyAt(index: number): number {
    const dueAt = this.retries.size > 0 ? this.retries.get(index) : undefined;
    if (dueAt !== undefined) return this.shifted(dueAt);
    if (!this.graph.hasFamilies && this.downtimes.isEmpty) {
      return this.log.timeAt(this.waits.unblockedPosition(index));
    }
    const children = this.groups.settledPosition(index);
    return children === undefined ? this.unblockedAt(index) : this.timeOf(children);
  }

  /** Makes room for tasks from `first` on. */
  #grow(first: number): void {
    this.enlargeTo(this.graph.size);
    this.waits.grow(first, this.#position);
    this.groups.grow(first);
    this.tries.grow(first, this.graph, this.attemptCounts);
  }

  #indexOf(event: RunEvent): number {
    const { taskId } = event as { taskId?: string };
    return taskId === undefined ? -1 : (this.graph.indexOf(taskId) ?? -1);
  }
}
