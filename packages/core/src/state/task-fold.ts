import type { TaskError } from '../contract/errors.js';
import type { TaskCanceled, TaskFailed, TaskRetrying, TaskSkipped } from '../contract/event.js';
import type { AttemptResult } from '../contract/runner.js';
import { isNotChosenFor } from '../contract/skip-reason.js';
import { asksModel, estimateOf, type Task } from '../contract/task.js';
import { NONE } from '../graph/arrays.js';
import { TaskKind } from '../graph/task-kind.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, hasDetails, STARTED } from './event-log.js';
import { RunFacts } from './run-facts.js';
import { stopForFailure } from './stops.js';
import { DONE, FAILED, PENDING, RUNNING, SKIPPED } from './task-states.js';
import { furtherTries } from './tries.js';

/**
 * The part of the fold that is about single tasks: how attempts start and end, and what a task that has
 * settled changes. Nearly all entries of a log are starts and completions, which are appended here as well.
 */
export class TaskFold extends RunFacts {
  /** The position that is being folded. */
  protected position = 0;

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
    this.position = this.log.push(STARTED, index, now, attempt, waitMs, named);
    this.foldStarted(index, attempt, now, named);
  }

  /** Appends the completion of a task, and folds it. */
  recordCompletion(index: number, durationMs: number, result: AttemptResult, now: number): void {
    const attempt = this.attemptCounts[index] as number;
    this.position = hasDetails(result)
      ? this.log.push(COMPLETED_WITH_DETAILS, index, now, attempt, durationMs, result)
      : this.log.push(COMPLETED, index, now, attempt, durationMs, result.output);
    if (result.usage !== undefined || result.costUsd !== undefined) this.spend(index, result);
    this.foldCompleted(index);
  }

  protected foldStarted(
    index: number,
    attempt: number,
    at: number,
    resource: string | undefined,
  ): void {
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
  protected spend(
    index: number,
    { usage, costUsd }: Pick<AttemptResult, 'usage' | 'costUsd'>,
  ): void {
    this.spending.add(usage, costUsd);
    this.ledgers?.spend(index, usage, costUsd);
  }

  #foldResource(index: number, resource: string): void {
    if (asksModel(this.graph.tasks[index] as Task)) this.resource = resource;
  }

  protected foldCompleted(index: number): void {
    // A group completes without an attempt.
    if (this.statuses[index] === RUNNING) {
      this.running--;
      this.policy.inFlight?.end(index);
    }
    this.completed++;
    this.settle(index, DONE);
    if (this.goal !== undefined && this.stop === undefined) {
      this.goal.completed(this.outputOf(index));
      this.unchecked++;
    }
    this.waits.settled(index, this.position, 'completed');
  }

  /** An attempt is no longer in flight. */
  protected leave(index: number): void {
    this.running--;
    this.policy.inFlight?.end(index);
  }

  protected foldRetrying(
    { attempt, error, timestamp, delayMs }: TaskRetrying,
    index: number,
  ): void {
    this.leave(index);
    this.spend(index, error);
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

  protected foldFailed(event: TaskFailed, index: number): void {
    const { attempt, error, taskId } = event;
    if (this.statuses[index] === RUNNING) this.leave(index);
    this.failed++;
    this.failures.add(index, attempt, error);
    this.spend(index, error);
    this.attemptCounts[index] = attempt + furtherTries(error);
    this.settle(index, FAILED);
    this.#stopAtFailure(index, taskId, error);
  }

  /** A task that was canceled alone counts as failed. */
  protected foldCanceled({ taskId, error, attempt }: TaskCanceled, index: number): void {
    if (error === undefined) return;
    this.failures.add(index, attempt, error);
    this.#stopAtFailure(index, taskId, error);
  }

  #stopAtFailure(index: number, failedTaskId: string, abort: TaskError): void {
    const isForFanOut = (this.graph.kindOf(index) & TaskKind.item) !== 0;
    if (!this.policy.failFast || isForFanOut || this.stop !== undefined) return;
    this.stop = stopForFailure(failedTaskId, abort);
  }

  protected foldSkipped(event: TaskSkipped, index: number): void {
    this.skipped++;
    if (this.statuses[index] === RUNNING) this.leave(index);
    if (event.reason === 'dependency_failed') {
      this.failures.addForSkipped(index, event.failedTaskId, this.replan.rounds);
    }
    this.settle(index, SKIPPED);
    if (isNotChosenFor(event.reason)) this.waits.settled(index, this.position, 'not_chosen');
    if (event.reason !== 'fail_fast' || this.stop !== undefined) return;
    const { failedTaskId = '' } = event;
    const failed = this.errorOf(this.graph.indexOf(failedTaskId) ?? NONE);
    this.stop = stopForFailure(failedTaskId, failed);
  }

  protected settle(index: number, status: number): void {
    this.statuses[index] = status;
    this.ends[index] = this.position;
    this.settled++;
    if (status > DONE && !this.isNotChosen(index)) {
      this.waits.settled(index, this.position, 'lost');
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
    if (this.graph.hasFamilies) this.groups.settled(index, this.position);
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
}
