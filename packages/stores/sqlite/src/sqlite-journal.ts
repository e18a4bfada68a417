import { existsSync } from 'node:fs';
import type { EventData, Journal, RunListing } from '@stratagem/core';
import {
  journalErrors,
  type NewRun,
  type OpenedRun,
  type RecordedCompletion,
  type RunJournal,
} from '@stratagem/core/journal';
import { nextTurn } from './busy.js';
import { CorruptionError } from './errors.js';
import { JournalFile } from './journal-file.js';
import type { Holder } from './leases.js';
import { type JournalSettings, journalSettings, type SqliteJournalOptions } from './options.js';
import { RunWriter } from './run-writer.js';
import { allRuns, eventAt, insertRun, type KnownRun, pageOf } from './runs.js';

/** How often a doubtful lease is looked at. */
const RENEWAL_CHECK_MS = 100;

/**
 * Stores runs in an SQLite file, with the SQLite built into Node: no server and no native add-on. Any
 * number of processes on one machine may use the file. Each run belongs to one process at a time.
 *
 * Nothing is opened or created before the first use. Each method rejects with a `JournalError`:
 * `journal_full`, `journal_read_only`, `journal_corrupt`, `journal_newer`, or `journal_failed`.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * await using journal = sqliteJournal({ directory: '.stratagem' });
 * const executor = createExecutor({ strategy: parallel(), runner: openai(), journal });
 * const run = executor.execute(plan);
 * // After a crash, in a new process:
 * const result = await executor.resume(run.runId);
 */
export function sqliteJournal(options: SqliteJournalOptions): Journal {
  return new SqliteJournal(journalSettings(options));
}

class SqliteJournal implements Journal {
  readonly #settings: JournalSettings;
  readonly #writers = new Set<RunWriter>();
  #file: Promise<JournalFile> | undefined;
  #isOpen = true;

  constructor(settings: JournalSettings) {
    this.#settings = settings;
  }

  async create(created: NewRun): Promise<RunJournal> {
    this.#requireOpen();
    const file = await this.#opened();
    const { database, leases } = file;
    return file.whileBusy(() =>
      database.transaction(() => {
        this.#requireOpen();
        const there = file.find(created.id);
        if (there !== undefined) {
          const holder = leases.holderOf(there.run, created.id);
          if (holder !== undefined) throw holder.error;
          if (there.events > 0) throw journalErrors.runExists(created.id);
          // The run never began: replace it.
          database.statement('DELETE FROM leases WHERE run = ?').run(there.run);
          database.statement('DELETE FROM runs WHERE run = ?').run(there.run);
        }
        return this.#openWriter(file, insertRun(database, created));
      }),
    );
  }

  async open(runId: string): Promise<OpenedRun> {
    const file = await this.#existing();
    if (file === undefined) throw journalErrors.runNotFound(runId);
    return file.guardAsync(async () => {
      const { known, writer } = await this.#leased(file, runId);
      try {
        const events: EventData[] = [];
        for await (const page of this.#pages(file, known)) events.push(...page);
        return Object.assign(writer, { events });
      } catch (error) {
        await writer.close();
        throw error;
      }
    });
  }

  async *read(runId: string): AsyncGenerator<EventData> {
    const file = await this.#existing();
    const known = await file?.whileBusy(() => file.find(runId));
    if (file === undefined || known === undefined) throw journalErrors.runNotFound(runId);
    for await (const page of this.#pages(file, known)) yield* page;
  }

  async list(): Promise<readonly RunListing[]> {
    const file = await this.#existing();
    if (file === undefined) return [];
    const summaries = await file.whileBusy(() =>
      allRuns(file.database).map(({ run, summary }): RunListing => {
        const hasEnded = summary.status !== 'created' && summary.status !== 'running';
        if (hasEnded || file.leases.holderOf(run, summary.id) !== undefined) return summary;
        return { ...summary, status: 'interrupted' };
      }),
    );
    return summaries.sort((a, b) => b.startedAt - a.startedAt);
  }

  async lookup(contentKey: string): Promise<RecordedCompletion | undefined> {
    const file = await this.#existing();
    return file?.whileBusy(() => {
      const found = file.database
        .statement(
          'SELECT run, id, position FROM completions JOIN runs USING (run) WHERE content_key = ?',
        )
        .get(contentKey);
      if (found === undefined) return undefined;
      const { run, id, position } = found as { run: number; id: string; position: number };
      const event = eventAt(file.database, run, id, position);
      if (event.contentKey === contentKey) return { runId: id, event };
      throw new CorruptionError(`record ${position} is not the completion that was looked up`, id);
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await Promise.all([...this.#writers].map((writer) => writer.close()));
    await (await this.#file?.catch(() => undefined))?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The open file; undefined while there is none, because reading must not create it. */
  async #existing(): Promise<JournalFile | undefined> {
    this.#requireOpen();
    if (this.#file === undefined && !existsSync(this.#settings.file)) return undefined;
    return this.#opened();
  }

  #opened(): Promise<JournalFile> {
    if (this.#file === undefined) {
      const file = JournalFile.openWhileBusy(this.#settings);
      this.#file = file;
      // The next call tries again.
      file.catch(() => {
        if (this.#file === file) this.#file = undefined;
      });
    }
    return this.#file;
  }

  /** Takes the lease of a run. When it is doubtful, waits until it is renewed, or should have been. */
  async #leased(
    file: JournalFile,
    runId: string,
  ): Promise<{ readonly known: KnownRun; readonly writer: RunWriter }> {
    for (let doubted: Holder | undefined; ; ) {
      const found = await file.whileBusy(() =>
        file.database.transaction(() => {
          this.#requireOpen();
          const known = file.find(runId);
          if (known === undefined) throw journalErrors.runNotFound(runId);
          const holder = file.leases.holderOf(known.run, runId);
          return holder ?? { known, writer: this.#openWriter(file, known) };
        }),
      );
      if ('writer' in found) return found;
      const isRenewed = doubted !== undefined && found.stamp !== doubted.stamp;
      if (isRenewed || !found.isDoubtful) throw found.error;
      doubted ??= found;
      await new Promise((resolve) => setTimeout(resolve, RENEWAL_CHECK_MS));
    }
  }

  async *#pages(file: JournalFile, known: KnownRun): AsyncGenerator<EventData[]> {
    for (let next = 0; next < known.events; ) {
      this.#requireOpen();
      const page = await file.whileBusy(() => pageOf(file.database, known, next));
      next += page.length;
      yield page;
      await nextTurn();
    }
  }

  #openWriter(file: JournalFile, known: KnownRun): RunWriter {
    const lease = file.leases.take(known.run, known.summary.id);
    const writer = new RunWriter(file, known, lease, () => this.#writers.delete(writer));
    this.#writers.add(writer);
    return writer;
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw journalErrors.closed();
  }
}
