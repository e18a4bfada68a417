import { isStratagemError } from '../contract/errors.js';
import type { OpenedRun } from '../contract/journal.js';
import { journalErrors } from '../contract/journal-error.js';
import type { ClaimedRun, QueuedRun, RunQueue } from '../contract/run-queue.js';
import type { PendingRequest, RunReply, RunRequest } from '../contract/run-request.js';
import { memoryJournal } from './memory-journal.js';

interface Entry {
  readonly run: QueuedRun;
  /** By `performance.now()`. */
  claimableAt: number;
}

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'canceled']);

/**
 * A queue of runs in memory, for the processes that are one: tests and simulations. Its runs are lost
 * when the process ends; `@stratagem/postgres` keeps them for any number of processes.
 *
 * @example
 * const queue = memoryRunQueue();
 * await queue.submit({ id: 'a', goal: 'Report', createdAt: Date.now(), plan });
 * const claimed = await queue.claim();
 */
export function memoryRunQueue(): RunQueue {
  const journal = memoryJournal();
  /** In order of submission. */
  const queued = new Map<string, Entry>();
  const listeners = new Set<() => void>();
  /** In the order in which they were made. */
  const requests = new Map<string, { readonly pending: PendingRequest; reply?: RunReply }>();
  const requestListeners = new Set<() => void>();

  const wake = (all = listeners) => {
    for (const listener of [...all]) listener();
  };
  const statuses = async () =>
    new Map((await journal.list()).map(({ id, status }) => [id, status] as const));

  async function claimFirst(entries: readonly Entry[]): Promise<ClaimedRun | undefined> {
    for (const entry of entries) {
      try {
        return claimed(entry, await journal.open(entry.run.id));
      } catch (error) {
        // Somebody else opened it meanwhile.
        if (!isStratagemError(error) || error.code !== 'run_locked') throw error;
      }
    }
    return undefined;
  }

  function claimed(entry: Entry, opened: OpenedRun): ClaimedRun {
    let isReleased = false;
    const release = async (delayMs: number) => {
      if (isReleased) return;
      isReleased = true;
      entry.claimableAt = performance.now() + delayMs;
      await opened.close();
      wake();
    };
    return { run: entry.run, opened: { ...opened, close: () => release(0) }, postpone: release };
  }

  return {
    ...journal,
    async create(run) {
      if (queued.has(run.id)) throw journalErrors.runExists(run.id);
      return journal.create(run);
    },
    async submit(run) {
      // A copy: the caller may change its object later.
      const { id, goal, createdAt, ...rest } = JSON.parse(JSON.stringify(run)) as QueuedRun;
      if (queued.has(id)) throw journalErrors.runExists(id);
      queued.set(id, { run: { id, goal, createdAt, ...rest }, claimableAt: 0 });
      try {
        await (await journal.create({ id, goal, createdAt })).close();
      } catch (error) {
        queued.delete(id);
        throw error;
      }
      wake();
    },
    async claim() {
      const known = await statuses();
      const now = performance.now();
      const free: Entry[] = [];
      const underWay = new Map<string, number>();
      for (const entry of queued.values()) {
        const { id, tenant = '' } = entry.run;
        const status = known.get(id);
        if (status === undefined || ENDED.has(status)) continue;
        if (status !== 'interrupted') underWay.set(tenant, (underWay.get(tenant) ?? 0) + 1);
        else if (entry.claimableAt <= now) free.push(entry);
      }
      const share = ({ run: { tenant = '' } }: Entry) => underWay.get(tenant) ?? 0;
      // The sort is stable: among equals, the one that was submitted first comes first.
      return claimFirst(free.sort((a, b) => share(a) - share(b)));
    },
    async list() {
      const runs = await journal.list();
      return runs.map((run) =>
        run.status === 'interrupted' && run.totalTasks === 0 && queued.has(run.id)
          ? { ...run, status: 'queued' as const }
          : run,
      );
    },
    onQueued(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async request(request) {
      const { id, runId } = request;
      const status = (await statuses()).get(runId);
      if (status === undefined) throw journalErrors.runNotFound(runId);
      if (!queued.has(runId)) throw journalErrors.runNotQueued(runId);
      if (requests.has(id)) return;
      if (ENDED.has(status)) throw journalErrors.runEnded(runId);
      let position = 0;
      for await (const _ of journal.read(runId)) position++;
      const copy = JSON.parse(JSON.stringify(request)) as RunRequest;
      requests.set(id, { pending: { ...copy, position } });
      wake(requestListeners);
    },
    async requests(runIds) {
      // The same error as every other method after the end.
      await journal.list();
      return [...requests.values()].flatMap(({ pending, reply }) =>
        reply === undefined && runIds.includes(pending.runId) ? pending : [],
      );
    },
    async reply(requestId, reply) {
      await journal.list();
      const entry = requests.get(requestId);
      if (entry !== undefined) entry.reply ??= JSON.parse(JSON.stringify(reply)) as RunReply;
      wake(requestListeners);
    },
    async replyTo(requestId) {
      const known = await journal.list();
      const entry = requests.get(requestId);
      if (entry === undefined || entry.reply !== undefined) return entry?.reply;
      const { runId } = entry.pending;
      const status = known.find(({ id }) => id === runId)?.status;
      if (status === undefined || !ENDED.has(status)) return undefined;
      const isHeld = await journal.open(runId).then(
        async (opened) => {
          await opened.close();
          return false;
        },
        () => true,
      );
      const { code, message } = journalErrors.runEnded(runId);
      return isHeld ? undefined : { error: { code, message } };
    },
    onRequest(listener) {
      requestListeners.add(listener);
      return () => requestListeners.delete(listener);
    },
  };
}
