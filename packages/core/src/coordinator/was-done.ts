import type { EventData } from '../contract/journal.js';
import type { RunQueue } from '../contract/run-queue.js';
import type { PendingRequest, RunAction } from '../contract/run-request.js';
import { canonical } from '../serialize/canonical.js';

/**
 * Whether the log shows what a request asks for: then it was carried out before, by a process that could
 * not reply, or somebody else has asked for the same.
 */
export async function wasDone(queue: RunQueue, request: PendingRequest): Promise<boolean> {
  const { action, runId } = request;
  let isDone = false;
  for await (const event of queue.read(runId)) {
    const shown = shows(event, action);
    if (shown !== undefined) isDone = shown;
  }
  return isDone;
}

/** @returns undefined when the event says nothing about it. */
function shows(event: EventData, action: RunAction): boolean | undefined {
  if (action.control === 'cancel') return event.type === 'run_canceled' ? true : undefined;
  if (!('taskId' in action) || event.taskId !== action.taskId) return undefined;
  const code = (event.error as { readonly code?: unknown } | undefined)?.code;
  switch (event.type) {
    // It waits again, or for another call.
    case 'task_waiting':
      return false;
    case 'tool_approval_decided':
      if (action.control !== 'approve' && action.control !== 'reject') return undefined;
      if (action.callId !== undefined && action.callId !== event.callId) return undefined;
      return event.approved === (action.control === 'approve');
    case 'task_completed':
      if (action.control === 'approve') return event.output === true ? true : undefined;
      if (action.control === 'answer') return canonical(event.output) === canonical(action.answer);
      return undefined;
    case 'task_failed':
      if (action.control === 'reject') return code === 'rejected';
      if (action.control === 'cancelTask') return code === 'canceled';
      return undefined;
    case 'task_skipped':
      return action.control === 'skipTask' ? true : undefined;
    default:
      return undefined;
  }
}
