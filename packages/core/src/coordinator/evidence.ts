import type { EventData, Json } from '../contract/journal.js';
import type { RunQueue } from '../contract/run-queue.js';
import type { PendingRequest, RunAction } from '../contract/run-request.js';
import { canonical } from '../serialize/canonical.js';

/** What the log says about a request that the run refuses. */
interface Evidence {
  /**
   * Whether the log shows what the request asks for: then it was carried out before, by a process that could
   * not reply, or somebody else has asked for the same.
   */
  readonly isDone: boolean;
  /** Whether another process has resumed the run since: the state that refuses the request is an old one. */
  readonly isTakenOver: boolean;
}

/** @param known The number of events that the run had when this process took it. */
export async function findEvidence(
  queue: RunQueue,
  { action, runId }: PendingRequest,
  known: number,
): Promise<Evidence> {
  let isDone = false;
  let position = 0;
  let resumptions = 0;
  for await (const event of queue.read(runId)) {
    const shown = shows(event, action);
    if (shown !== undefined) isDone = shown;
    if (position++ >= known && event.type === 'run_resumed') resumptions++;
  }
  // One that had begun before was resumed by this process, too.
  return { isDone, isTakenOver: resumptions > (known > 0 ? 1 : 0) };
}

/**
 * How the question that a request is about was decided after it was made, by earlier processes: whether as
 * the request wants it; undefined when it was not. Then the request is not about a question that came later.
 */
export function decidedSince(
  events: readonly EventData[],
  { action, position }: PendingRequest,
): boolean | undefined {
  for (const event of events.slice(position)) {
    const shown = shows(event, action);
    if (shown !== undefined && event.type !== 'task_waiting') return shown;
  }
  return undefined;
}

/** @returns undefined when the event says nothing about it. */
function shows(event: EventData, action: RunAction): boolean | undefined {
  if (action.control === 'cancel') return event.type === 'run_canceled' ? true : undefined;
  if (!('taskId' in action) || event.taskId !== action.taskId) return undefined;
  switch (action.control) {
    case 'cancelTask':
      return event.type === 'task_canceled' && event.reason === 'requested' ? true : undefined;
    case 'skipTask':
      return event.type === 'task_skipped' ? true : undefined;
    case 'answer':
      return showsAnswer(event, action.answer, undefined);
    default:
      return showsAnswer(event, action.control === 'approve', action.callId);
  }
}

/** @param answer To an approval, true or false. */
function showsAnswer(
  event: EventData,
  answer: Json,
  callId: string | undefined,
): boolean | undefined {
  switch (event.type) {
    // It waits again.
    case 'task_waiting':
      return false;
    case 'tool_approval_decided':
      if (callId !== undefined && callId !== event.callId && callId !== event.key) return undefined;
      return event.withdrawn !== true && event.approved === answer;
    case 'task_completed':
      return canonical(event.output) === canonical(answer) ? true : undefined;
    case 'task_failed': {
      const { code } = Object(event.error) as { readonly code?: unknown };
      return code === 'rejected' && answer === false ? true : undefined;
    }
    default:
      return undefined;
  }
}
