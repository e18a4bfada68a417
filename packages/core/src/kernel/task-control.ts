import { describe, RunnerError, TaskError } from '../contract/errors.js';
import { discardAttempt } from './aborted-attempt.js';
import type { Machine } from './machine.js';

/** Cancels one task, which counts as its failure. Its subtasks are skipped for it. */
export function cancelOneTask(machine: Machine, index: number, reason: unknown): void {
  const about = machine.about(index);
  const why = `it was canceled${because(machine, reason)}`;
  const error = new TaskError(about.taskId, new RunnerError('canceled', why));
  const [, ...subtasks] = withRunningSubtasks(machine, index);
  const { attempt, duration } = attemptOf(machine, index);
  end(machine, index, error, () => {
    const event = { type: 'task_canceled', ...about, reason: 'requested', error } as const;
    machine.tell({ ...event, attempt, ...duration }, index);
  });
  const cause = { reason: 'dependency_failed', failedTaskId: about.taskId } as const;
  for (const each of subtasks) {
    const { attempt, duration, isRunning } = attemptOf(machine, each);
    end(machine, each, error, () => {
      const event = { type: 'task_skipped', ...machine.about(each), ...cause } as const;
      machine.tell({ ...event, ...(isRunning && { attempt, ...duration }) }, each);
    });
  }
}

/** Skips one task, and what runs of its subtasks: the plan does without them. */
export function skipOneTask(machine: Machine, index: number, reason: unknown): void {
  for (const each of withRunningSubtasks(machine, index)) {
    const error = new RunnerError('canceled', `the task was skipped${because(machine, reason)}`);
    const event = { type: 'task_skipped', ...machine.about(each), reason: 'requested' } as const;
    const message = reason === undefined ? {} : { message: textOf(machine, reason) };
    const { attempt, duration, isRunning } = attemptOf(machine, each);
    end(machine, each, error, () => {
      machine.tell({ ...event, ...message, ...(isRunning && { attempt, ...duration }) }, each);
    });
  }
}

/**
 * The task, and all below it that is under way. Groups come before their subtasks, so that none ends
 * by them.
 */
function withRunningSubtasks({ graph, state, begunGroups }: Machine, index: number): number[] {
  const found = [index];
  const visit = (child: number) => {
    const isOpenGroup = state.isPending(child) && begunGroups.has(child);
    if (isOpenGroup || state.isRunning(child)) found.push(child);
    graph.eachChild(child, visit);
  };
  graph.eachChild(index, visit);
  return found;
}

function attemptOf({ state, now }: Machine, index: number) {
  const isRunning = state.isRunning(index);
  const attempt = state.attemptsOf(index);
  const duration = isRunning ? { durationMs: now - state.startedAtOf(index) } : {};
  return { isRunning, attempt, duration };
}

/** Ends a task, and aborts its attempt if one is in flight. */
function end(machine: Machine, index: number, error: RunnerError | TaskError, tell: () => void) {
  const { state, timers, strategy, commands } = machine;
  const isRunning = state.isRunning(index);
  const attempt = state.attemptsOf(index);
  tell();
  timers.clear(index);
  strategy.withdraw(index);
  if (!isRunning) return;
  commands.push({ type: 'abort', index, attempt, error });
  discardAttempt(machine, index);
}

function because(machine: Machine, reason: unknown): string {
  return reason === undefined ? '' : `: ${textOf(machine, reason)}`;
}

/** A reason as it may be recorded. */
function textOf({ options }: Machine, reason: unknown): string {
  const text = describe(reason);
  return options.secretTexts?.text(text) ?? text;
}
