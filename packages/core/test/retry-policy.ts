import { TRANSIENT_ERROR_CODES } from '../src/contract/retry.js';
import { asksModel, type Task } from '../src/contract/task.js';
import type { RandomRun } from './random-runs.js';

/** How attempts at a task are repeated, with every default filled in. */
export function policyOf({ plan, options }: RandomRun, task: Task) {
  const policy = task.retry ?? plan.retry ?? options.retry;
  // A function with a policy of its own is repeated whatever it throws.
  const isOwnFunction = !asksModel(task) && task.retry !== undefined;
  const usual = [...TRANSIENT_ERROR_CODES, ...(isOwnFunction ? ['task_failed'] : [])];
  const { maxAttempts = 3, factor = 2 } = policy ?? {};
  const on: readonly string[] = policy?.on ?? usual;
  const { initialDelayMs = 500, maxDelayMs = 30_000 } = policy ?? {};
  const hasDeadline = (plan.deadlineMs ?? options.deadlineMs) !== undefined;
  const usualWaitMs = hasDeadline ? Number.POSITIVE_INFINITY : 600_000;
  const { maxRetryAfterMs = usualWaitMs } = policy ?? {};
  return { maxAttempts, on, factor, initialDelayMs, maxDelayMs, maxRetryAfterMs };
}
