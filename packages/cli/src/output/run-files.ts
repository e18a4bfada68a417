import { constants } from 'node:fs';
import { access, open, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { RunEvent } from '@stratagem/core';
import type { ReportOptions } from '@stratagem/ui';
import type { FileFlags } from '../options/page-flags.js';
import { UsageError } from '../options/usage-error.js';

/**
 * Checks that the files can be written, before a run that may take hours.
 *
 * @throws {UsageError} naming the file.
 */
export async function checkRunFiles({ report, trace }: FileFlags): Promise<void> {
  for (const file of [report, trace]) if (file !== undefined) await checkWritable(file);
}

/** @throws {UsageError} when a file cannot be written. */
export async function checkWritable(file: string): Promise<void> {
  const folder = dirname(resolve(file));
  const problem = (why: string) => new UsageError(`cannot write ${file}: ${why}`);
  const about = await stat(file).catch(() => undefined);
  if (about?.isDirectory()) throw problem('it is a directory');
  await refuseDatabase(file);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw problem(`there is no directory ${folder}`);
  await access(about === undefined ? folder : file, constants.W_OK).catch(() => {
    throw problem('permission denied');
  });
}

/** How SQLite begins its files, and what it calls those beside them. */
const DATABASE = 'SQLite format 3\0';
const BESIDE = /-(?:wal|shm|journal|acknowledged)$/;

/** @throws {UsageError} when a file belongs to a database, such as a journal. */
export async function refuseDatabase(file: string): Promise<void> {
  if (!(await isOfDatabase(file))) return;
  throw new UsageError(`cannot write ${file}: it belongs to a database, such as a journal of runs`);
}

/** Whether a file is an SQLite database or lies beside one of its name, as the files of a journal do. */
export async function isOfDatabase(file: string): Promise<boolean> {
  const database = file.replace(BESIDE, '');
  const about = await stat(database).catch(() => undefined);
  // Reading a pipe would wait for its writer.
  if (!about?.isFile()) return false;
  const handle = await open(database).catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(DATABASE.length));
    return buffer.toString('latin1', 0, bytesRead) === DATABASE;
  } finally {
    await handle.close();
  }
}

/**
 * Writes a run into the files that the flags name.
 *
 * @returns The files that were written.
 * @throws {UsageError} when a file cannot be written.
 */
export async function writeRunFiles(
  { report, trace }: FileFlags,
  events: readonly RunEvent[],
  options: ReportOptions,
): Promise<string[]> {
  if (report === undefined && trace === undefined) return [];
  const { renderReport, runTrace } = await import('@stratagem/ui');
  const { runId, status, notice } = options;
  const about = { runId, status, notice };
  const contents = [
    ...(report === undefined ? [] : [[report, () => renderReport(events, options)] as const]),
    ...(trace === undefined
      ? []
      : [[trace, () => `${JSON.stringify(runTrace(events, about))}\n`] as const]),
  ];
  for (const [file, content] of contents) await writeText(file, content());
  return contents.map(([file]) => file);
}

/** @throws {UsageError} when the file cannot be written. */
export async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot write ${file}: ${why}`, { cause: error });
  }
}
