import { isStratagemError } from '@stratagem/core';
import { PlanFileError } from '@stratagem/core/document';

/**
 * The rows of a file that a fan-out names, which are read while the plan runs. Only the first one is
 * read here, so that a wrong file is found before anything runs.
 *
 * @throws {PlanFileError} when it cannot be read, or its first row is wrong.
 */
export async function findRows(
  file: string,
): Promise<() => AsyncIterable<Record<string, unknown>>> {
  // Most plans name no such file.
  const { readRows } = await import('@stratagem/datasets');
  const open = () => readRows(file);
  try {
    for await (const _ of open()) break;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!isStratagemError(cause) && code === undefined) throw cause;
    throw new PlanFileError(`cannot be used: ${message.replace(/^readRows\(\): /, '')}`, { cause });
  }
  return open;
}
