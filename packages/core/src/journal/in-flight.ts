import type { AttemptCarrier } from '../contract/carrier.js';
import type { EventData } from '../contract/journal.js';
import { idempotencyKeyOf } from '../contract/run-id.js';

/** Event types that end an attempt. */
const ENDS: readonly string[] = ['task_completed', 'task_failed', 'task_retrying', 'task_canceled'];

/** The keys of the attempts that are in flight at the end of a log. */
function keysInFlight(runId: string, log: readonly EventData[]): string[] {
  const attempts = new Map<string, number>();
  for (const { type, taskId, attempt } of log) {
    if (taskId === undefined) continue;
    if (type === 'task_started') attempts.set(taskId, attempt as number);
    else if (ENDS.includes(type)) attempts.delete(taskId);
  }
  return Array.from(attempts, ([taskId, attempt]) => idempotencyKeyOf(runId, taskId, attempt));
}

/** Tells whether a carrier still works on a recorded attempt. */
export async function livenessOf(
  carrier: AttemptCarrier | undefined,
  runId: string,
  past: { readonly log: readonly EventData[] } | undefined,
): Promise<(taskId: string, attempt: number) => boolean> {
  const keys =
    carrier?.alive === undefined || past === undefined ? [] : keysInFlight(runId, past.log);
  const alive = keys.length === 0 ? new Set() : await carrier?.alive?.(keys);
  return (taskId, attempt) => alive?.has(idempotencyKeyOf(runId, taskId, attempt)) === true;
}
