import type { Task } from '../src/contract/task.js';
import { waitOf } from '../src/contract/wait-for.js';
import type { Account } from './account.js';
import { must } from './must.js';

/** A human step ends, after it was asked. */
export function endWait(account: Account, now: number, durationMs: number): void {
  const waited = now - (account.waitingSince as number);
  must(durationMs === waited, 'the duration of a human step is its wait', account.task.id);
  account.workMs += waited;
}

/** A human step fails because nobody answered. */
export function checkTimedOut({ id, waitFor }: Task, waitedMs: number): void {
  const wait = waitOf(waitFor as NonNullable<Task['waitFor']>);
  must(
    waitedMs === wait.timeoutMs && wait.default === undefined,
    'a wait that runs out without a default fails',
    id,
  );
}
