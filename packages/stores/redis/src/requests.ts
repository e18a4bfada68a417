import {
  journalErrors,
  type PendingRequest,
  type RunAction,
  type RunReply,
  type RunRequest,
} from '@stratagem/core/journal';
import { endedReply, REQUEST_ANNOUNCEMENT } from '@stratagem/store-kit';
import type { Server } from './server.js';

/** How long replies are kept. */
const KEPT_MS = 24 * 3_600_000;

/**
 * Stores a request to the process that carries a run out.
 *
 * @throws {JournalError} `run_not_found`, `run_not_queued`; and `run_ended`.
 */
export async function storeRequest(server: Server, request: RunRequest): Promise<void> {
  const { id, runId, action } = request;
  const [result] = await server.retrying(
    () =>
      server.writeOnce<'stored' | 'missing' | 'unqueued' | 'ended'>([
        ['request', id, runId, JSON.stringify(action), REQUEST_ANNOUNCEMENT],
      ]),
    { runId },
  );
  if (result === 'missing') throw journalErrors.runNotFound(runId);
  if (result === 'unqueued') throw journalErrors.runNotQueued(runId);
  if (result === 'ended') throw journalErrors.runEnded(runId);
}

/** The requests of these runs that nobody has replied to. */
export async function pendingRequests(
  server: Server,
  runIds: readonly string[],
): Promise<readonly PendingRequest[]> {
  const rows = await server.run<[string, string, string, string][]>(['requests', ...runIds]);
  return rows.map(([id, runId, action, position]) => ({
    ...{ id, runId, position: Number(position) },
    action: JSON.parse(action) as RunAction,
  }));
}

/** Stores the first reply to a request. */
export async function storeReply(
  server: Server,
  requestId: string,
  reply: RunReply,
): Promise<void> {
  await server.retrying(() =>
    server.writeOnce([['reply', requestId, JSON.stringify(reply), KEPT_MS, REQUEST_ANNOUNCEMENT]]),
  );
}

/** The reply to a request; that of a run which has ended, and which nobody writes, is that it has ended. */
export async function replyOf(server: Server, requestId: string): Promise<RunReply | undefined> {
  const [state, text = ''] = await server.run<['reply' | 'ended' | 'none', string?]>([
    'replyTo',
    requestId,
  ]);
  if (state === 'reply') return JSON.parse(text) as RunReply;
  return state === 'ended' ? endedReply(text) : undefined;
}
