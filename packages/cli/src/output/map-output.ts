import { isStratagemError, type Plan, StratagemError } from '@stratagem/core';
import { type MappedRow, openRowsFile, outputNamesOf } from '@stratagem/datasets';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { write } from './streams.js';

/** Where the results of a map go. */
export interface MapOutput {
  /** The file that has the rows so far, until all are there; undefined where each row is printed. */
  readonly partialPath: string | undefined;
  /**
   * Rejects with `run_failed` when the row cannot be written, such as on a full disk.
   *
   * @returns Whether more rows are wanted: not after the reader of standard output has closed it.
   */
  write(row: MappedRow<unknown>): Promise<boolean>;
  /** All rows are there. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file for results, or standard output, which gets the rows as they are done.
 *
 * @throws {UsageError} when the file cannot be written, or another process writes it.
 */
export async function openMapOutput(target: string | undefined, plan: Plan): Promise<MapOutput> {
  if (target === undefined) return standardOutput;
  try {
    const file = await openRowsFile(target, { outputs: outputNamesOf(plan) });
    const { partialPath } = file;
    return {
      // A pipe or a device has no other name meanwhile.
      partialPath: partialPath === target ? undefined : partialPath,
      write: (row) => file.write(row).then(() => true),
      finish: () => file.finish(),
      close: () => file.close(),
    };
  } catch (error) {
    if (isStratagemError(error)) throw toUsageError(error);
    throw new UsageError(`cannot write ${target}: ${(error as Error).message}`, { cause: error });
  }
}

const standardOutput: MapOutput = {
  partialPath: undefined,
  async write(row) {
    try {
      return await write(process.stdout, `${JSON.stringify(row)}\n`);
    } catch (cause) {
      const message = `standard output: ${(cause as Error).message}`;
      throw new StratagemError('run_failed', message, { cause });
    }
  },
  async finish() {},
  async close() {},
};
