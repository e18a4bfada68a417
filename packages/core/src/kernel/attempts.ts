import { RunnerError, TaskError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import { costOf } from '../contract/price.js';
import {
  isAnswered,
  maxAttemptsOf,
  maxRetryAfterOf,
  type RetryPolicy,
  retryDelay,
} from '../contract/retry.js';
import type { AttemptResult } from '../contract/runner.js';
import { asksModel, type Task } from '../contract/task.js';
import { cooldownAskedFor } from './cooldowns.js';
import type { Machine } from './machine.js';
import { withoutSecrets } from './settlement.js';
import { survivorsOf } from './survivors.js';

/** How many tries a task has left when this attempt begins, this one included. */
export function attemptsLeft(machine: Machine, index: number, attempt: number): number {
  const { state } = machine;
  const before = state.attemptsOf(index) - state.triesOf(index);
  return Math.max(1, maxAttemptsOf(retryPolicyOf(machine, index)) - (attempt - before) + 1);
}

/** Limits how long the attempt in flight may take. */
export function startAttemptTimer(machine: Machine, index: number): void {
  const { heard, timers, now, state } = machine;
  if (state.approvals.size > 0 && state.approvals.isWaiting(index)) return;
  const idleMs = idleTimeoutOf(machine, index);
  if (idleMs !== undefined) heard.set(index, now);
  else if (timeoutOf(machine, index) === Number.POSITIVE_INFINITY) return;
  timers.set(index, attemptEndsAt(machine, index));
}

/** An attempt has reported a part of its output. Its timer is put off when it is due. */
export function hearAttempt({ heard, now }: Machine, index: number, part: OutputPart): void {
  if (part.kind !== 'notice' && heard.has(index)) heard.set(index, now);
}

/** How long an attempt may go without output; undefined without a limit. */
export function idleTimeoutOf(machine: Machine, index: number): number | undefined {
  const task = machine.graph.tasks[index] as Task;
  if (task.idleTimeoutMs !== undefined || !asksModel(task)) return task.idleTimeoutMs;
  return machine.idleTimeoutMs;
}

/** When the attempt in flight fails unless something comes from it. */
function attemptEndsAt(machine: Machine, index: number): number {
  const endsAt = machine.state.startedAtOf(index) + timeoutOf(machine, index);
  const heardAt = machine.heard.size === 0 ? undefined : machine.heard.get(index);
  if (heardAt === undefined) return endsAt;
  return Math.min(endsAt, heardAt + (idleTimeoutOf(machine, index) as number));
}

/** The attempt in flight failed: it is repeated, or its task has failed. */
export function failAttempt(machine: Machine, index: number, thrown: unknown): void {
  const { state, timers, now } = machine;
  timers.clear(index);
  machine.heard.delete(index);
  const about = machine.about(index);
  const error = new TaskError(
    about.taskId,
    withoutSecrets(machine, thrown),
    machine.options.prices,
  );
  const durationMs = now - state.startedAtOf(index);
  const delayMs = delayBeforeRetry(machine, index, error);
  const end = { ...about, attempt: state.attemptsOf(index), durationMs, error };
  if (delayMs === undefined) machine.tell({ type: 'task_failed', ...end }, index);
  else {
    machine.tell({ type: 'task_retrying', ...end, delayMs }, index);
    timers.set(index, now + delayMs);
  }
  if (machine.cooldowns.isActive) endTrial(machine, index, error);
  pauseResource(machine, index, error, now);
  machine.strategy.settled(index, durationMs, error, error, delayMs);
}

/** A server that asked clients to wait has answered an attempt, or refused it. */
export function endTrial(machine: Machine, index: number, error: TaskError | undefined): void {
  const resource = machine.strategy.resourceOf(index);
  machine.cooldowns.settled(resource, index, isAnswered(error), machine.now);
}

/** The attempt in flight has not ended in time: it is aborted, and has failed. */
export function expireAttempt(machine: Machine, index: number): void {
  const at = attemptEndsAt(machine, index);
  if (machine.now < at) {
    machine.timers.set(index, at);
    return;
  }
  const timeoutMs = timeoutOf(machine, index);
  const isIdle = machine.now < machine.state.startedAtOf(index) + timeoutMs;
  const message = isIdle
    ? `no text and no tool step for its idleTimeoutMs of ${idleTimeoutOf(machine, index)} ms`
    : `no answer within its timeout of ${timeoutMs} ms`;
  const error = new RunnerError('timeout', message);
  const attempt = machine.state.attemptsOf(index);
  machine.commands.push({ type: 'abort', index, attempt, error });
  failAttempt(machine, index, error);
}

/**
 * Honours a server's request to wait.
 *
 * @param failedAt When the attempt failed, as Unix time in milliseconds.
 */
export function pauseResource(
  machine: Machine,
  index: number,
  error: TaskError,
  failedAt: number,
): void {
  const askedMs = cooldownAskedFor(machine.task(index), error);
  const pauseMs = askedMs - (machine.now - failedAt);
  if (pauseMs <= 0) return;
  // Nothing waits for a server longer than the policy allows.
  const policy = retryPolicyOf(machine, index);
  if (askedMs > maxRetryAfterOf(policy, machine.deadline - failedAt)) return;
  const resource = machine.strategy.resourceOf(index);
  if (!machine.cooldowns.begin(resource, machine.now + pauseMs, askedMs)) return;
  machine.tell({ type: 'resource_paused', resource, pauseMs, code: error.code });
}

/** The user's prices override what a runner says. */
export function withCost(machine: Machine, result: AttemptResult): AttemptResult {
  const { usage, model } = result;
  const costUsd = usage && costOf(usage, model, machine.options.prices);
  return costUsd === undefined ? result : { ...result, costUsd };
}

function delayBeforeRetry(machine: Machine, index: number, error: TaskError): number | undefined {
  const { state, options, now, deadline } = machine;
  if (state.stop !== undefined && !survivorsOf(machine, state.stop).has(index)) return undefined;
  const { code, retryAfterMs, isRetryable, taskId, tries = 1 } = error;
  const counted = state.triesOf(index);
  const refusals = state.attemptsOf(index) - counted;
  const attempt = counted + tries - 1;
  const task = machine.task(index);
  const isOwnFunction = !asksModel(task) && task.retry !== undefined;
  const leftMs = deadline - now;
  const failure = { taskId, attempt, code, retryAfterMs, isRetryable, refusals };
  const failed = { ...failure, isOwnFunction, leftMs };
  const delayMs = retryDelay(retryPolicyOf(machine, index), failed, options.seed);
  // There is no point in waiting for an attempt that could not start any more.
  return delayMs === undefined || now + delayMs >= deadline ? undefined : delayMs;
}

function retryPolicyOf({ options, graph }: Machine, index: number): RetryPolicy | undefined {
  return graph.tasks[index]?.retry ?? options.plan.retry ?? options.retry;
}

/** How long an attempt may take, in milliseconds; Infinity for no limit. */
function timeoutOf(machine: Machine, index: number): number {
  return machine.graph.tasks[index]?.timeoutMs ?? machine.timeoutMs;
}
