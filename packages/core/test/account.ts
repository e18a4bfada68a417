import type { CancelReason, SkipReason, StreamPosition } from '../src/contract/event.js';
import { streamOf } from '../src/contract/for-each.js';
import type { LoopResult } from '../src/contract/repeat.js';
import type { TaskStatus } from '../src/contract/status.js';
import { doesOwnWork, type Task } from '../src/contract/task.js';
import type { LocalNames } from './random-runs.js';

/** The events of the log about one task. */
export class Account {
  readonly task: Task;
  readonly parent: Account | undefined;
  readonly children: Account[] = [];
  readonly dependencies: Account[] = [];
  /** Whether it is a copy, made by a fan-out or a loop. */
  readonly isCopy: boolean;
  status: TaskStatus = 'pending';
  reason: SkipReason | CancelReason | undefined;
  output: unknown;
  /** For a loop, how it ended. */
  loop: LoopResult | undefined;
  /** For a fan-out over a stream, how far it has been read. */
  stream: StreamPosition | undefined;
  attempts = 0;
  /** Attempts that a busy server refused, and asked to make later. */
  refusals = 0;
  startedAt = 0;
  /** When a wait before another attempt is over. */
  notBefore = 0;
  waitingSince: number | undefined;
  /** The task whose failure led to its being skipped. */
  cause: Account | undefined;
  /** When, by its number in the log, a round of re-planning said that it makes up for it. */
  replacedAt = -1;
  /** When, by its number in the log, something was last dropped for want of it. */
  missedAt = -1;
  /** Of all attempts that have ended, or of a wait for a human. */
  workMs = 0;

  constructor(task: Task, parent: Account | undefined, isCopy: boolean) {
    this.task = task;
    this.parent = parent;
    this.isCopy = isCopy;
  }

  get isStream(): boolean {
    return streamOf(this.task) !== undefined;
  }

  /** Whether a fan-out may get further elements. */
  get mayHaveMore(): boolean {
    return this.isStream ? this.stream?.isEnd !== true : this.children.length === 0;
  }

  get tries(): number {
    return this.attempts - this.refusals;
  }

  get isSettled(): boolean {
    return this.status !== 'pending' && this.status !== 'running';
  }

  /** Ended, and not as it should; a task that was not chosen has ended well. */
  get isFailure(): boolean {
    return this.isSettled && this.status !== 'completed' && !this.isNotChosen;
  }

  get isNotChosen(): boolean {
    const { status, reason } = this;
    if (status !== 'skipped') return false;
    return reason === 'condition_false' || reason === 'nothing_failed' || reason === 'requested';
  }

  /** Failed, or did not run for a failure: what tasks for failures wait for. */
  get isCauseOfFailureTasks(): boolean {
    const { status, reason } = this;
    if (status === 'canceled' && reason === 'requested') return true;
    return status === 'failed' || reason === 'dependency_failed' || reason === 'fail_fast';
  }

  /** Runs whatever became of its dependencies, or if one of them failed. */
  get runsAfterFailure(): boolean {
    return (this.task.runAfter ?? 'success') !== 'success';
  }

  /** Runs after failures, by itself or as a part of a group that does. */
  get isCleanUp(): boolean {
    return this.runsAfterFailure || (this.parent?.isCleanUp ?? false);
  }

  /** Whether a stopped run may still have to do with it. */
  get maySurvive(): boolean {
    return this.isCleanUp || this.children.some((child) => child.maySurvive);
  }

  /** Something takes the place of it, or of what it failed for. */
  get isMadeUpFor(): boolean {
    if (this.replacedAt > this.missedAt) return true;
    if (this.status === 'skipped') return this.cause?.isMadeUpFor ?? false;
    // If the group itself failed, its children were skipped because of it.
    const failures = this.children.filter((child) => child.isFailure && child.cause !== this);
    // One that was canceled alone did not end for its subtasks.
    const endedAlone = this.reason === 'requested' || this.attempts > 0;
    const isGroup = this.task.forEach === undefined && !endedAlone && failures.length > 0;
    return isGroup && this.missedAt < 0 && failures.every((child) => child.isMadeUpFor);
  }

  get hasBegun(): boolean {
    return this.attempts > 0 || this.waitingSince !== undefined;
  }

  /** All that it waits for is settled, and its parent has begun and not ended. */
  get isOpen(): boolean {
    const { parent, dependencies } = this;
    if (!dependencies.every((each) => each.isSettled)) return false;
    return parent === undefined || (parent.status === 'pending' && parent.isOpen);
  }

  /** Nothing that it depends on went wrong, and not all of it was not chosen. */
  get isWanted(): boolean {
    const { parent, dependencies, task } = this;
    if (parent !== undefined && !parent.isWanted) return false;
    if (task.runAfter === 'settled') return true;
    if (task.runAfter === 'failure') {
      return dependencies.some((each) => each.isCauseOfFailureTasks);
    }
    if (dependencies.some((each) => each.isFailure)) return false;
    return dependencies.length === 0 || dependencies.some((each) => each.status === 'completed');
  }

  /** Whether attempts are made at it, and not at its children alone. */
  get hasAttempts(): boolean {
    const { forEach, repeat, waitFor } = this.task;
    return [forEach, repeat, waitFor].every((each) => each === undefined) && doesOwnWork(this.task);
  }

  get isLoop(): boolean {
    return this.task.repeat !== undefined && this.task.forEach === undefined;
  }

  /** The last iteration of a loop that completed. */
  get lastIteration(): Account | undefined {
    return this.children.findLast((child) => child.status === 'completed');
  }

  /** What it is called where it is written. */
  get localId(): string {
    return this.isCopy ? this.local.id : this.task.id;
  }

  get local(): LocalNames {
    return this.task.metadata?.local as LocalNames;
  }

  start(now: number): void {
    this.status = 'running';
    this.attempts++;
    this.startedAt = now;
  }
}

/** Whether it is an element of a fan-out, and not one of an element's subtasks. */
export function isElement({ parent }: Account): boolean {
  return parent?.task.forEach !== undefined;
}

/** Whether it is an iteration of a loop, and not one of its subtasks. */
export function isIteration({ parent }: Account): boolean {
  return parent?.isLoop ?? false;
}

/** Whether a failure of it is for a fan-out to judge. */
export function isInFanOut(account: Account): boolean {
  for (let at: Account | undefined = account; at !== undefined; at = at.parent) {
    if (isElement(at)) return true;
  }
  return false;
}
