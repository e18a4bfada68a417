import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Journal } from '@stratagem/core';
import {
  type EventData,
  journalErrors,
  listingAfter,
  type NewRun,
  newListing,
  type OpenedRun,
} from '@stratagem/core/journal';

/** What is known of a run: how it began, and its events. */
interface StoredRun {
  readonly run: NewRun;
  readonly events: EventData[];
}

/**
 * Keeps each run in a file of a folder, one line for each append. Replace the functions at the end to keep
 * them elsewhere: in a database, or in an object store.
 *
 * A lease is a file with the name of its owner. The lease of a process that has crashed must be removed by
 * hand; a store with time limits can do better.
 */
export function myPart(folder: string): Journal {
  const owned = new Map<string, string>();
  let isClosed = false;
  const requireOpen = () => {
    if (isClosed) throw journalErrors.closed();
  };

  async function acquire(runId: string): Promise<string> {
    const owner = randomUUID();
    if (!(await takeLease(folder, runId, owner))) throw journalErrors.runLocked(runId);
    owned.set(runId, owner);
    return owner;
  }

  async function release(runId: string, owner: string): Promise<void> {
    if (owned.get(runId) !== owner) return;
    owned.delete(runId);
    await dropLease(folder, runId);
  }

  function writer({ run, events }: StoredRun, owner: string): OpenedRun {
    const runId = run.id;
    return {
      runId,
      events,
      async append(added) {
        if (owned.get(runId) !== owner) throw journalErrors.closed(runId);
        await appendLine(folder, runId, added);
      },
      close: () => release(runId, owner),
    };
  }

  async function all(): Promise<StoredRun[]> {
    const found = await Promise.all((await idsIn(folder)).map((id) => readStored(folder, id)));
    return found.filter((each) => each !== undefined);
  }

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.all([...owned].map(([runId, owner]) => release(runId, owner)));
  }

  return {
    async create(run) {
      requireOpen();
      const owner = await acquire(run.id);
      const known = await readStored(folder, run.id);
      if (known !== undefined && known.events.length > 0) {
        await release(run.id, owner);
        throw journalErrors.runExists(run.id);
      }
      await writeFirst(folder, run);
      return writer({ run, events: [] }, owner);
    },
    async open(runId) {
      requireOpen();
      if ((await readStored(folder, runId)) === undefined) throw journalErrors.runNotFound(runId);
      const owner = await acquire(runId);
      return writer((await readStored(folder, runId)) as StoredRun, owner);
    },
    async *read(runId) {
      requireOpen();
      const found = await readStored(folder, runId);
      if (found === undefined) throw journalErrors.runNotFound(runId);
      yield* found.events;
    },
    async list() {
      requireOpen();
      const leases = await leasesIn(folder);
      const listings = (await all()).map(({ run, events }) => {
        let listing = newListing(run);
        for (const event of events) listing = listingAfter(listing, event);
        const isOpen = listing.status === 'created' || listing.status === 'running';
        const isLost = isOpen && !leases.has(run.id);
        return {
          createdAt: run.createdAt,
          ...listing,
          ...(isLost && { status: 'interrupted' as const }),
        };
      });
      return listings
        .sort((a, b) => b.startedAt - a.startedAt || b.createdAt - a.createdAt)
        .map(({ createdAt: _, ...listing }) => listing);
    },
    async lookup(contentKey) {
      requireOpen();
      let newest: { readonly runId: string; readonly event: EventData } | undefined;
      for (const { run, events } of await all()) {
        for (const event of events) {
          if (event.contentKey !== contentKey) continue;
          if (newest === undefined || event.timestamp >= newest.event.timestamp) {
            newest = { runId: run.id, event };
          }
        }
      }
      return newest;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

// --- The store ---

const fileOf = (folder: string, runId: string) => join(folder, `${runId}.jsonl`);
const leaseOf = (folder: string, runId: string) => join(folder, `${runId}.lease`);

async function writeFirst(folder: string, run: NewRun): Promise<void> {
  await writeFile(fileOf(folder, run.id), `${JSON.stringify(run)}\n`, { flush: true });
}

async function appendLine(folder: string, runId: string, events: readonly EventData[]) {
  await appendFile(fileOf(folder, runId), `${JSON.stringify(events)}\n`, { flush: true });
}

async function readStored(folder: string, runId: string): Promise<StoredRun | undefined> {
  const text = await readFile(fileOf(folder, runId), 'utf8').catch(missing);
  if (text === undefined) return undefined;
  // A line without its end was cut off by a crash: nobody has been told of its events.
  const [first, ...lines] = text.split('\n').slice(0, -1);
  if (first === undefined) return undefined;
  const events = lines.flatMap((line) => JSON.parse(line) as EventData[]);
  return { run: JSON.parse(first) as NewRun, events };
}

async function idsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(missing)) ?? [];
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, -6));
}

async function leasesIn(folder: string): Promise<ReadonlySet<string>> {
  const names = (await readdir(folder).catch(missing)) ?? [];
  return new Set(names.filter((name) => name.endsWith('.lease')).map((name) => name.slice(0, -6)));
}

async function takeLease(folder: string, runId: string, owner: string): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(leaseOf(folder, runId), owner, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function dropLease(folder: string, runId: string): Promise<void> {
  await rm(leaseOf(folder, runId), { force: true });
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
