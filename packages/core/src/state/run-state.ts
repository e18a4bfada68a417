import {
  type GoalChecked,
  isMadeFromTemplate,
  type RetriedTask,
  type RunEvent,
  type RunResumed,
  type TasksAdded,
} from '../contract/event.js';
import type { Usage } from '../contract/usage.js';
import { TaskKind } from '../graph/task-kind.js';
import { COMPLETED, COMPLETED_WITH_DETAILS, STARTED } from './event-log.js';
import { stopForBudget, stopForGoal } from './stops.js';
import { TaskFold } from './task-fold.js';
import { CANCELED, DONE, RUNNING } from './task-states.js';

/** The key under which a round of re-planning reserves its budget, among the indexes of tasks. */
const REPLAN_ROUND = -1;

/**
 * The fold of a log: what a run has come to. `fold` is the only way to change it, live, on resume, in
 * a report and in a test, so it cannot know anything that the log does not say.
 */
export class RunState extends TaskFold {
  /** Appends a recorded event and folds it. */
  apply(event: RunEvent, index = this.#indexOf(event)): void {
    this.fold(this.log.append(event, index));
  }

  /** Takes one entry of the log into account; entries are folded once, in order. */
  fold(position: number): void {
    const { log } = this;
    const index = log.indexAt(position);
    this.position = position;
    switch (log.kindAt(position)) {
      case STARTED:
        this.foldStarted(
          index,
          log.attemptAt(position),
          log.timeAt(position),
          log.resourceAt(position),
        );
        break;
      case COMPLETED_WITH_DETAILS: {
        this.spend(index, log.resultAt(position));
        this.foldCompleted(index);
        break;
      }
      case COMPLETED:
        this.foldCompleted(index);
        break;
      default:
        this.#foldOther(log.objectAt(position), index);
    }
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
        this.foldRetrying(event, index);
        break;
      case 'task_failed':
        this.foldFailed(event, index);
        break;
      case 'task_waiting': {
        const { timeoutMs } = event;
        this.questions.set(index, { position: this.position, timeoutMs });
        break;
      }
      case 'task_output':
        this.toolCalls.reported(index, event);
        break;
      case 'tool_approval_requested':
        this.approvals.requested(index, event, this.position);
        break;
      case 'tool_approval_decided':
        // The time of a human is no part of an attempt, nor of its limits.
        this.startTimes[index] =
          (this.startTimes[index] as number) + this.approvals.decided(index, event);
        break;
      case 'task_skipped':
        this.foldSkipped(event, index);
        break;
      case 'task_canceled':
        if (this.statuses[index] === RUNNING) this.leave(index);
        this.settle(index, CANCELED);
        if (event.reason === 'requested') this.foldCanceled(event, index);
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

  /** Makes room for tasks from `first` on. */
  #grow(first: number): void {
    this.enlargeTo(this.graph.size);
    this.waits.grow(first, this.position);
    this.groups.grow(first);
    this.tries.grow(first, this.graph, this.attemptCounts);
  }

  #indexOf(event: RunEvent): number {
    const { taskId } = event as { taskId?: string };
    return taskId === undefined ? -1 : (this.graph.indexOf(taskId) ?? -1);
  }
}
