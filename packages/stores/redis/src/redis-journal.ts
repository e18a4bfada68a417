import type { EventData, JournalError, RunListing } from '@stratagem/core';
import {
  type ClaimedRun,
  journalErrors,
  type NewRun,
  newListing,
  type OpenedRun,
  type PendingRequest,
  type QueuedRun,
  type RecordedCompletion,
  type RunJournal,
  type RunQueue,
  type RunReply,
  type RunRequest,
  type SharedLimits,
} from '@stratagem/core/journal';
import {
  type HeldLease,
  hasDied,
  lockedError,
  newOwner,
  RUN_ANNOUNCEMENT,
  type RunWriter,
  RunWriters,
  type TakenRun,
} from '@stratagem/store-kit';
import { isConnectionLoss, isRetryable } from './errors.js';
import { RedisLimits } from './limits.js';
import { type RedisJournalOptions, type RedisSettings, redisSettings } from './options.js';
import { appendCall, eventAt, eventsOf } from './records.js';
import { pendingRequests, replyOf, storeReply, storeRequest } from './requests.js';
import { Server } from './server.js';

/** A journal and queue of runs, and the limits that its processes share. */
export interface RedisJournal extends RunQueue {
  /** Limits over the connections of this journal: they end with it. */
  readonly limits: SharedLimits;
}

/**
 * Stores runs in Redis 7 or newer or in Valkey, with an append-only file, for any number of processes on
 * any number of machines. Each run belongs to one process at a time. Runs can be queued, and are claimed
 * by coordinators.
 *
 * Nothing connects before the first use. A server that would lose what it has acknowledged is refused;
 * see `durability`. Each method rejects with a `JournalError`: `journal_read_only`, `journal_full`,
 * `journal_corrupt`, `journal_newer`, or `journal_failed`. No message contains the password.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * await using journal = redisJournal({ url: 'redis://cache.example' });
 * const executor = createExecutor({ strategy: parallel(), runner: openai(), journal });
 * const run = executor.execute(plan);
 * // After a crash, on another machine:
 * const result = await executor.resume(run.runId);
 */
export function redisJournal(options: RedisJournalOptions): RedisJournal {
  return new Journal(redisSettings('redisJournal()', options));
}

/** How long the release of a lease is tried; it expires anyway. */
const RELEASE_MS = 5_000;
/** Runs that are listed at once. */
const LIST_PAGE = 500;

/** A run whose lease a script has taken. */
type TakenRow = readonly [
  'taken',
  id: string,
  run: string,
  token: string,
  events: string,
  summary: string,
  submission: string | null,
];

/** What a script that takes a lease returns. */
type Taken =
  | TakenRow
  | readonly ['locked', owner: string, token: string, remainingMs: string]
  | readonly ['missing' | 'exists' | 'none'];

class Journal implements RedisJournal {
  readonly limits: SharedLimits;
  readonly #server: Server;
  readonly #writers: RunWriters;
  #created: Promise<void> | undefined;

  constructor(settings: RedisSettings) {
    const server = new Server(settings, true);
    this.#server = server;
    this.limits = new RedisLimits(server, async () => {});
    this.#writers = new RunWriters({
      leaseMs: settings.leaseMs,
      get isOpen() {
        return server.isOpen;
      },
      async append(batch) {
        const runId = batch.length === 1 ? batch[0]?.runId : undefined;
        const calls = batch.map(appendCall);
        const stored = await server.retrying(() => server.writeOnce<number>(calls), { runId });
        return stored.map((each) => each === 1);
      },
      concernsAll: ({ cause }: JournalError) => isConnectionLoss(cause) || isRetryable(cause),
      async renew(leases, limitMs) {
        const held = leases.flatMap(({ runId, token }) => [runId, token]);
        await server.runOnce(['renew', ...held], limitMs);
      },
      release: ({ runId, token }: HeldLease, postponeMs) =>
        server.run(['release', runId, token, postponeMs ?? '', RUN_ANNOUNCEMENT], {
          forMs: Math.min(RELEASE_MS, settings.reconnectMs),
        }),
    });
  }

  async create(created: NewRun): Promise<RunJournal> {
    await this.#create();
    const { id } = created;
    const summary = JSON.stringify(newListing(created));
    const { leaseMs } = this.#server.settings;
    const owner = newOwner();
    const taken = await this.#take(id, () =>
      this.#server.run(['createRun', id, owner, Math.ceil(leaseMs), summary], { runId: id }),
    );
    this.#server.requireOpen();
    return this.#writers.open(takenOf(taken));
  }

  async open(runId: string): Promise<OpenedRun> {
    const { leaseMs } = this.#server.settings;
    const owner = newOwner();
    const taken = await this.#take(runId, () =>
      this.#server.run(['open', runId, owner, Math.ceil(leaseMs)], { runId }),
    );
    return this.#opened(taken);
  }

  async *read(runId: string): AsyncGenerator<EventData> {
    const count = await this.#server.command(runId, (client) =>
      client.hget(`${this.#server.keys}:run:${runId}`, 'events'),
    );
    if (count === null) throw journalErrors.runNotFound(runId);
    yield* eventsOf(this.#server, runId, Number(count));
  }

  async list(): Promise<readonly RunListing[]> {
    const listings: RunListing[] = [];
    for (let last: string | undefined = '+inf'; last !== undefined; ) {
      const page: readonly string[] = await this.#server.run(['list', last, LIST_PAGE]);
      for (let index = 1; index < page.length; index += 2) {
        const summary = JSON.parse(page[index + 1] as string) as RunListing;
        const status = page[index] as '' | 'queued' | 'interrupted';
        listings.push(status === '' ? summary : { ...summary, status });
      }
      last = page[0] === '' ? undefined : `(${page[0]}`;
    }
    return listings.sort((a, b) => b.startedAt - a.startedAt);
  }

  async lookup(contentKey: string): Promise<RecordedCompletion | undefined> {
    const found = await this.#server.command(undefined, (client) =>
      client.hget(`${this.#server.keys}:completions`, contentKey),
    );
    if (found === null) return undefined;
    const [position, runId = ''] = found.split(' ');
    const event = await eventAt(this.#server, runId, Number(position));
    if (event.contentKey === contentKey) return { runId, event };
    const where = `event ${position} of run "${runId}" is not the completion that was looked up`;
    throw this.#server.corrupt(where, runId);
  }

  async submit(run: QueuedRun): Promise<void> {
    // As text: the caller may change the run as soon as this returns.
    const submission = JSON.stringify(run);
    const { id, tenant = '' } = run;
    const summary = JSON.stringify(newListing(run));
    await this.#create();
    // A retry recognizes what it has submitted.
    const submitter = crypto.randomUUID();
    const server = this.#server;
    const [[result, owner = '', , remainingMs] = []] = await server.retrying(
      () =>
        server.writeOnce<readonly [string, string?, string?, string?]>([
          ['submit', id, submitter, summary, tenant, submission, RUN_ANNOUNCEMENT],
        ]),
      { runId: id },
    );
    if (result === 'locked') throw lockedError(id, owner, Number(remainingMs));
    if (result === 'exists') throw journalErrors.runExists(id);
  }

  async claim(): Promise<ClaimedRun | undefined> {
    const owner = newOwner();
    const leaseMs = Math.ceil(this.#server.settings.leaseMs);
    let tries = 0;
    // When the answer to the first try was lost, it may have claimed one.
    const taken = await this.#server.retrying(() =>
      this.#server.runOnce<Taken>(['claim', owner, leaseMs, tries++ > 0 ? 1 : 0]),
    );
    if (taken[0] !== 'taken') return undefined;
    const opened = await this.#opened(taken);
    const run = JSON.parse(taken[6] as string) as QueuedRun;
    return { run, opened, postpone: (delayMs) => opened.release(delayMs) };
  }

  onQueued(wake: () => void): () => void {
    this.#server.requireOpen();
    return this.#server.listener.subscribe(({ kind }) => {
      if (kind === 'run') wake();
    });
  }

  request(request: RunRequest): Promise<void> {
    return storeRequest(this.#server, request);
  }

  requests(runIds: readonly string[]): Promise<readonly PendingRequest[]> {
    return pendingRequests(this.#server, runIds);
  }

  reply(requestId: string, reply: RunReply): Promise<void> {
    return storeReply(this.#server, requestId, reply);
  }

  replyTo(requestId: string): Promise<RunReply | undefined> {
    return replyOf(this.#server, requestId);
  }

  onRequest(wake: () => void): () => void {
    this.#server.requireOpen();
    return this.#server.listener.subscribe(({ kind }) => {
      if (kind === 'request') wake();
    });
  }

  async close(): Promise<void> {
    if (!this.#server.isOpen) return;
    await this.#writers.close();
    await this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Before the first write, so that reading leaves nothing on the server. */
  #create(): Promise<void> {
    this.#server.requireOpen();
    this.#created ??= this.#server.create().catch((error: unknown) => {
      // The next call tries again.
      this.#created = undefined;
      throw error;
    });
    return this.#created;
  }

  /**
   * Takes a lease, also that of a process of this machine that has ended.
   *
   * @throws {JournalError} `run_not_found`, `run_exists` or `run_locked`.
   */
  async #take(runId: string, take: () => Promise<Taken>): Promise<TakenRow> {
    const { leaseMs } = this.#server.settings;
    for (;;) {
      const taken = await take();
      if (taken[0] === 'taken') return taken;
      if (taken[0] !== 'locked') {
        throw taken[0] === 'exists'
          ? journalErrors.runExists(runId)
          : journalErrors.runNotFound(runId);
      }
      const [, owner, token, remaining] = taken;
      if (!hasDied(owner)) {
        const remainingMs = Number(remaining);
        const isPlausible = remainingMs > 0 && remainingMs <= leaseMs;
        throw lockedError(runId, owner, isPlausible ? remainingMs : leaseMs);
      }
      await this.#server.run(['free', runId, owner, token], { runId });
    }
  }

  #opened(row: TakenRow): Promise<OpenedRun & RunWriter> {
    this.#server.requireOpen();
    const taken = takenOf(row);
    return this.#writers.openWith(taken, eventsOf(this.#server, taken.summary.id, taken.events));
  }
}

function takenOf([, , run, token, events, summary]: TakenRow): TakenRun {
  return {
    run: Number(run),
    token: Number(token),
    events: Number(events),
    summary: JSON.parse(summary) as RunListing,
  };
}
