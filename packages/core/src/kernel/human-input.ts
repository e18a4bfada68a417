import { describe, RunnerError } from '../contract/errors.js';
import type { Task } from '../contract/task.js';
import { waitOf } from '../contract/wait-for.js';
import type { Machine } from './machine.js';
import { completeTask, failTask } from './settlement.js';

/** A human step has come up. On resume, it may have been asked already. */
export function askHuman(machine: Machine, index: number, question: string): void {
  const { kind, timeoutMs } = waitFor(machine, index);
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  machine.tell({ type: 'task_waiting', ...machine.about(index), kind, question, ...limit }, index);
  startAnswerTimer(machine, index);
}

/** Limits how long an open question waits for its answer. */
export function startAnswerTimer({ state, timers }: Machine, index: number): void {
  const timeoutMs = state.questions.get(index)?.timeoutMs;
  if (timeoutMs !== undefined) timers.set(index, state.askedAt(index) + timeoutMs);
}

/** A human answered; for an approval, `true` gives it and anything else refuses. */
export function applyAnswer(machine: Machine, index: number, answer: unknown): void {
  if (waitFor(machine, index).kind === 'approval' && answer !== true) {
    applyRejection(machine, index, undefined);
    return;
  }
  machine.timers.clear(index);
  completeTask(machine, index, answer, machine.state.askedAt(index));
}

/** A human refused to answer. */
export function applyRejection(machine: Machine, index: number, reason: unknown): void {
  machine.timers.clear(index);
  const because = reason === undefined ? '' : `: ${describe(reason)}`;
  const error = new RunnerError('rejected', `it was not approved${because}`);
  failTask(machine, index, error, machine.state.askedAt(index));
}

/** Nobody has answered in time. */
export function expireQuestion(machine: Machine, index: number): void {
  const wait = waitFor(machine, index);
  if (wait.default !== undefined) {
    applyAnswer(machine, index, wait.default);
    return;
  }
  const error = new RunnerError('timeout', `nobody answered within ${wait.timeoutMs} ms`);
  failTask(machine, index, error, machine.state.askedAt(index));
}

function waitFor(machine: Machine, index: number): ReturnType<typeof waitOf> {
  return waitOf(machine.task(index).waitFor as NonNullable<Task['waitFor']>);
}
