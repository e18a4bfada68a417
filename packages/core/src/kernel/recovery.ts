import { StratagemError } from '../contract/errors.js';
import type { CancelReason, RetriedTask } from '../contract/event.js';
import type { Task } from '../contract/task.js';
import { TaskKind } from '../graph/task-kind.js';
import type { RunState } from '../state/run-state.js';
import type { HumanSteps } from './human-input.js';
import type { Past } from './past.js';
import type { Readiness } from './readiness.js';
import type { Resumption } from './recorder.js';
import type { Timers } from './timers.js';

/** What is said of a run that goes on. */
export function resumptionOf(
  past: Past,
  state: RunState,
  retried: readonly RetriedTask[],
  now: number,
): Resumption {
  const restarted: string[] = [];
  // What was about to be aborted is not started again for that.
  const isAborting = past.canceling !== undefined || past.stop?.abort !== undefined;
  if (!isAborting || retried.length > 0) {
    for (let index = 0; index < state.graph.size; index++) {
      if (state.statusOf(index) === 'running') {
        restarted.push((state.graph.tasks[index] as Task).id);
      }
    }
  }
  const downMs = Math.max(0, now - past.lastAt);
  return { downMs, restarted, ...(retried.length > 0 && { retried }) };
}

/** The parts of a kernel in which tasks wait, and what happens to those that need not. */
export interface WaitingRoom {
  readonly state: RunState;
  readonly readiness: Readiness;
  readonly timers: Timers;
  readonly humanSteps: HumanSteps;
  /** For each task, when it became ready or began. */
  readonly readyAt: number[];
  readonly becomeReady: (index: number, at: number) => void;
  readonly finishGroup: (index: number) => void;
}

/** Puts every task that has not started where it was, and does what the log ends before. */
export function restoreWaiting(past: Past, now: number, room: WaitingRoom): void {
  const { state, readiness, timers, humanSteps, readyAt } = room;
  for (const [index, due] of past.retries) {
    // Who asked to wait was left alone all the while: this goes by the clock on the wall.
    if (due > now) timers.set(index, due);
    else room.becomeReady(index, Math.min(now, past.shifted(due)));
  }
  for (const [index, { askedAt, timeoutMs }] of past.questions) {
    humanSteps.restore(index, past.shifted(askedAt), timeoutMs);
  }
  const begun = groupsThatBegan(state, (index) => humanSteps.has(index));
  for (const group of begun) readyAt[group] = past.readyAt(group);
  const free = readiness.restore(past.settled, (index) => begun.has(index));
  for (const index of past.settled) {
    if (state.statusOf(index) !== 'completed') readiness.skipAfter(index, now);
  }
  for (const index of free) {
    if (past.retries.has(index) || humanSteps.has(index)) continue;
    if (begun.has(index)) room.finishGroup(index);
    else readiness.arrive(index, now);
    // It has been so for a while; a group since its children settled.
    readyAt[index] = begun.has(index) ? past.childrenSettledAt(index) : past.readyAt(index);
  }
}

/**
 * The groups that are not settled and have begun. That is in no event; what has become of their
 * children says so. A group of whose children nothing is known may begin as well now.
 */
function groupsThatBegan(
  state: RunState,
  isAsked: (index: number) => boolean,
): ReadonlySet<number> {
  const { graph } = state;
  const begun = new Set<number>();
  if (!graph.hasFamilies) return begun;
  for (let index = 0; index < graph.size; index++) {
    const fansOut = (graph.kindOf(index) & TaskKind.forEach) !== 0;
    // Its elements are there from its beginning on.
    if (fansOut && graph.childCount(index) > 0) addWithParents(begun, index, state);
    else if (hasBegun(state, index) || isAsked(index)) {
      const parent = graph.parentOf(index);
      if (parent !== undefined) addWithParents(begun, parent, state);
    }
  }
  return begun;
}

function addWithParents(begun: Set<number>, from: number, { graph }: RunState): void {
  for (let index: number | undefined = from; index !== undefined; index = graph.parentOf(index)) {
    if (begun.has(index)) return;
    begun.add(index);
  }
}

function hasBegun(state: RunState, index: number): boolean {
  if (state.attemptsOf(index) > 0) return true;
  const status = state.statusOf(index);
  // One that was skipped for another task may have been so before its parent began.
  return status === 'completed' || status === 'failed' || state.reasonOf(index) === 'not_chosen';
}

/** How a run ends that was being stopped when its process ended, before the log could say how. */
export function interruptedEnding(reason: CancelReason): StratagemError {
  switch (reason) {
    case 'plan_timeout':
      return new StratagemError('plan_timeout', 'The plan was stopped: it did not end in time');
    case 'invalid_strategy':
      return new StratagemError('invalid_strategy', 'The plan was stopped: its strategy was wrong');
    default:
      return new StratagemError('plan_canceled', 'The plan was canceled');
  }
}
