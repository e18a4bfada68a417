import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { OptionError, StratagemError } from '@stratagem/core';
import { lockFile } from '@stratagem/core/journal';
import { checkOptions } from '@stratagem/core/runner';
import type { MappedRow } from '../mapped-row.js';
import { RESULT_FORMATS, type ResultFormat, rowTextIn } from './row-text.js';

/** Texts are gathered up to this length before they are written. */
const MAX_GATHERED = 65_536;

export interface RowsFileOptions {
  /**
   * @default by the extension of the file: `.csv`, `.tsv`, otherwise JSON Lines
   */
  readonly format?: ResultFormat | undefined;
  /** The names of the outputs, which are the columns of a table. Without effect in JSON Lines. */
  readonly outputs?: readonly string[] | undefined;
}

/** A file with results. */
export interface RowsFile {
  /** The file in which results gather until all are there. */
  readonly partialPath: string;
  /** Resolves when the next row may come. */
  write(row: MappedRow<unknown>): Promise<void>;
  /** All rows are there: the file takes its name. */
  finish(): Promise<void>;
  /** Keeps the rows so far in `partialPath`. Has no effect after `finish`. */
  close(): Promise<void>;
}

/**
 * Writes results into a file, which has either its old content or all of the new one at any time: rows
 * gather in a file beside it, with `.partial` at the end of its name. Until it is finished or closed, no other
 * process may write the same file.
 *
 * Rejects with an `OptionError` when another process writes the file. Its methods reject with `run_failed` when
 * the file cannot be written, such as on a full disk.
 *
 * @example
 * const file = await openRowsFile('summaries.jsonl');
 * for await (const row of map) await file.write(row);
 * await file.finish();
 */
export async function openRowsFile(path: string, options: RowsFileOptions = {}): Promise<RowsFile> {
  if (typeof path !== 'string' || path === '') {
    throw new OptionError('openRowsFile() takes the path of a file');
  }
  checkOptions('openRowsFile()', options, ['format', 'outputs']);
  const format = resultFormatOf(path, options.format);
  // A link stays, and its target is replaced.
  const target = await realpath(path).catch(() => path);
  const about = await stat(target).catch(() => undefined);
  // A pipe has no name that could be taken over.
  const isPipe = about !== undefined && !about.isFile();
  const partialPath = isPipe ? target : `${target}.partial`;
  const rowText = rowTextIn(format, options.outputs ?? []);
  const unlock = isPipe ? async () => {} : await locked(target);
  const handle: FileHandle = await open(partialPath, 'w', about?.mode).catch(async (error) => {
    await unlock();
    throw error;
  });
  let gathered: string[] = [];
  let length = 0;
  let hasRows = false;
  let isOpen = true;
  let failure: { readonly error: unknown } | undefined;
  const flush = async () => {
    const text = gathered.join('');
    gathered = [];
    length = 0;
    try {
      if (text !== '') await handle.appendFile(text);
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  /** The file is closed in any case. */
  const end = async (work: () => Promise<void>) => {
    isOpen = false;
    try {
      await work().finally(() => handle.close());
    } finally {
      await unlock();
    }
  };
  const named = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (cause) {
      const message = `${path}: cannot be written: ${(cause as Error).message}`;
      throw new StratagemError('run_failed', message, { cause });
    }
  };
  return {
    partialPath,
    async write(row) {
      const text = rowText.of(row);
      hasRows = true;
      gathered.push(text);
      length += text.length;
      if (length >= MAX_GATHERED) await named(flush);
    },
    finish: () =>
      named(async () => {
        await end(async () => {
          if (!hasRows) gathered.push(rowText.ofNone);
          await flush();
          // Results are missing.
          if (failure !== undefined) throw failure.error;
          if (isPipe) return;
          await handle.sync();
          // Under the lock, so that the name is that of this content.
          await rename(partialPath, target);
        });
      }),
    async close() {
      if (isOpen) await named(() => end(flush));
    },
  };
}

/** @throws {OptionError} when another process writes the file. */
async function locked(target: string): Promise<() => Promise<void>> {
  const lock = await lockFile(target);
  if (lock.holder === undefined) return () => lock.release();
  const whose = lock.holder === process.pid ? 'this process' : `process ${lock.holder}`;
  throw new OptionError(
    `${target} is being written by ${whose}: wait for its end, or name another file; if that process does something else, remove ${target}.lock`,
  );
}

/** @throws {OptionError} when the format is unknown. */
function resultFormatOf(path: string, format: ResultFormat | undefined): ResultFormat {
  if (format !== undefined) {
    if (RESULT_FORMATS.includes(format)) return format;
    throw new OptionError(`openRowsFile(): format must be one of ${RESULT_FORMATS.join(', ')}`);
  }
  const extension = extname(path).slice(1).toLowerCase();
  if (extension === 'json') {
    throw new OptionError(`results are written as JSON Lines or CSV: name the file ${path}l`);
  }
  return extension === 'csv' || extension === 'tsv' ? extension : 'jsonl';
}
