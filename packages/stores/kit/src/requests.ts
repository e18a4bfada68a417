import { journalErrors, type RunReply } from '@stratagem/core/journal';

/** The reply to a request whose run has ended without it. */
export function endedReply(runId: string): RunReply {
  const { code, message } = journalErrors.runEnded(runId);
  return { error: { code, message } };
}
