import { existsSync } from 'node:fs';
import type { EventData, Journal, RunListing } from '@stratagem/core';
import {
  journalErrors,
  type NewRun,
  type OpenedRun,
  type RecordedCompletion,
  type RunJournal,
} from '@stratagem/core/journal';
import { CorruptionError } from './errors.js';
import { JournalFile } from './journal-file.js';
import { isLeased, takeLease } from './leases.js';
import { type JournalSettings, journalSettings, type SqliteJournalOptions } from './options.js';
import { RunWriter } from './run-writer.js';
import { allRuns, eventAt, eventsOf, insertRun, type KnownRun } from './runs.js';

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
  #file: JournalFile | undefined;
  #isOpen = true;

  constructor(settings: JournalSettings) {
    this.#settings = settings;
  }

  async create(created: NewRun): Promise<RunJournal> {
    this.#requireOpen();
    this.#file ??= JournalFile.open(this.#settings);
    const file = this.#file;
    return file.guard(() => {
      const { database, leaseMs } = file;
      return database.transaction(() => {
        const there = file.find(created.id);
        if (there !== undefined) {
          if (there.events > 0 && !isLeased(database, there.run)) {
            throw journalErrors.runExists(created.id);
          }
          // Throws while another process holds the lease. Otherwise the run never began: replace it.
          takeLease(database, there.run, created.id, leaseMs).release();
          database.statement('DELETE FROM runs WHERE run = ?').run(there.run);
        }
        return this.#openWriter(file, insertRun(database, created));
      });
    });
  }

  async open(runId: string): Promise<OpenedRun> {
    const file = this.#existing();
    if (file === undefined) throw journalErrors.runNotFound(runId);
    return file.guardAsync(async () => {
      const { known, writer } = file.database.transaction(() => {
        const there = file.find(runId);
        if (there === undefined) throw journalErrors.runNotFound(runId);
        return { known: there, writer: this.#openWriter(file, there) };
      });
      try {
        return Object.assign(writer, { events: [...eventsOf(file.database, known)].flat() });
      } catch (error) {
        await writer.close();
        throw error;
      }
    });
  }

  async *read(runId: string): AsyncGenerator<EventData> {
    const file = this.#existing();
    const known = file?.guard(() => file.find(runId));
    if (file === undefined || known === undefined) throw journalErrors.runNotFound(runId);
    const pages = eventsOf(file.database, known);
    for (;;) {
      this.#requireOpen();
      const page = file.guard(() => pages.next());
      if (page.done) return;
      yield* page.value;
    }
  }

  async list(): Promise<readonly RunListing[]> {
    const file = this.#existing();
    if (file === undefined) return [];
    const summaries = file.guard(() =>
      allRuns(file.database).map(({ run, summary }): RunListing => {
        const hasEnded = summary.status !== 'created' && summary.status !== 'running';
        if (hasEnded || isLeased(file.database, run)) return summary;
        return { ...summary, status: 'interrupted' };
      }),
    );
    return summaries.sort((a, b) => b.startedAt - a.startedAt);
  }

  async lookup(contentKey: string): Promise<RecordedCompletion | undefined> {
    const file = this.#existing();
    return file?.guard(() => {
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
    await this.#file?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The open file; undefined while there is none, because reading must not create it. */
  #existing(): JournalFile | undefined {
    this.#requireOpen();
    if (this.#file === undefined && !existsSync(this.#settings.file)) return undefined;
    this.#file ??= JournalFile.open(this.#settings);
    return this.#file;
  }

  #openWriter(file: JournalFile, known: KnownRun): RunWriter {
    const { database, leaseMs } = file;
    const lease = takeLease(database, known.run, known.summary.id, leaseMs);
    const writer = new RunWriter(file, known, lease, () => this.#writers.delete(writer));
    this.#writers.add(writer);
    return writer;
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw journalErrors.closed();
  }
}
