import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { OptionError } from '@stratagem/core';
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
 * gather in a file beside it, with `.partial` at the end of its name.
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
  const handle: FileHandle = await open(partialPath, 'w', about?.mode);
  const textOf = rowTextIn(format, options.outputs ?? []);
  let gathered: string[] = [];
  let length = 0;
  let isOpen = true;
  const flush = async () => {
    const text = gathered.join('');
    gathered = [];
    length = 0;
    if (text !== '') await handle.appendFile(text);
  };
  return {
    partialPath,
    async write(row) {
      const text = textOf(row);
      gathered.push(text);
      length += text.length;
      if (length >= MAX_GATHERED) await flush();
    },
    async finish() {
      await flush();
      if (!isPipe) await handle.sync();
      await handle.close();
      isOpen = false;
      if (!isPipe) await rename(partialPath, target);
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await flush();
      await handle.close();
    },
  };
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
