import { isStratagemError } from '@stratagem/core';
import { PlanFileError } from '@stratagem/core/document';

/**
 * The first rows of a file that a fan-out names.
 *
 * @throws {PlanFileError} when it cannot be read, or is wrong.
 */
export async function readDataFile(file: string, most: number): Promise<readonly object[]> {
  // Most plans name no such file.
  const { readRows, selectRows } = await import('@stratagem/datasets');
  try {
    const rows: object[] = [];
    for await (const row of selectRows(readRows(file), { limit: most })) rows.push({ ...row });
    return rows;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!isStratagemError(cause) && code === undefined) throw cause;
    throw new PlanFileError(`cannot be used: ${message}`, { cause });
  }
}
