import { TaskError } from '../contract/errors.js';
import type { SkipReason } from '../contract/event.js';
import type { LoopResult } from '../contract/repeat.js';
import type { Machine } from './machine.js';

/**
 * Completes a task without an attempt of its own.
 *
 * @param since When it began, as Unix time in milliseconds.
 * @param loop For a loop, how it ended.
 */
export function completeTask(
  machine: Machine,
  index: number,
  output: unknown,
  since: number,
  loop?: LoopResult,
): void {
  const { state, now } = machine;
  state.recordCompletion(index, now - since, { output, ...(loop && { loop }) }, now);
}

/**
 * Fails a task without an attempt of its own.
 *
 * @param since When it began, as Unix time in milliseconds.
 */
export function failTask(
  machine: Machine,
  index: number,
  thrown: unknown,
  since = machine.now,
): void {
  const { state, now } = machine;
  const about = machine.about(index);
  const error = new TaskError(about.taskId, withoutSecrets(machine, thrown));
  const attempt = state.attemptsOf(index);
  machine.tell({ type: 'task_failed', ...about, attempt, durationMs: now - since, error }, index);
}

/** What was thrown, as it may be recorded. */
export function withoutSecrets({ options }: Machine, thrown: unknown): unknown {
  return options.secretTexts === undefined ? thrown : options.secretTexts.error(thrown);
}

/** Without effect on a task that has started or settled. */
export function skipTask(
  machine: Machine,
  index: number,
  reason: SkipReason,
  failedTaskId: string | undefined,
): void {
  if (!machine.state.isPending(index)) return;
  const because = failedTaskId === undefined ? { reason } : { reason, failedTaskId };
  machine.tell({ type: 'task_skipped', ...machine.about(index), ...because }, index);
  // With its group, it may be skipped before a retry, or while it is ready.
  machine.timers.clear(index);
  machine.strategy.withdraw(index);
}

/** Skips what can never begin after a task failed, was skipped or was canceled. */
export function skipDependents(machine: Machine, index: number): void {
  const { graph, state } = machine;
  if (state.isNotChosen(index)) {
    // What depends on a task that was not chosen may still begin.
    graph.eachChild(index, (child) => skipTask(machine, child, 'condition_false', undefined));
    return;
  }
  graph.eachDependent(index, (dependent) => {
    if (!state.runsAfterFailure(dependent)) skipFor(machine, dependent, index);
  });
  graph.eachChild(index, (child) => skipFor(machine, child, index));
}

/** Skips a task because another one, which it needs, ended without an output. */
export function skipFor(machine: Machine, index: number, lost: number): void {
  const { state } = machine;
  const reason = state.reasonOf(lost);
  // A task that runs in spite of a stop may need one that the stop has dropped.
  const isStopped =
    reason === 'fail_fast' || reason === 'goal_achieved' || reason === 'budget_exceeded';
  const because = isStopped ? reason : 'dependency_failed';
  skipTask(machine, index, because, state.failedTaskIdOf(lost));
}
