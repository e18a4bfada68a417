import { createReadStream } from 'node:fs';
import { UsageError } from '../options/usage-error.js';

/** Some 150,000 tasks. Parsing YAML takes about a hundred times its size in memory. */
const MAX_BYTES = 20_000_000;

/**
 * Reads the text of a file, or of standard input for `-`.
 *
 * @param name The name of the file in messages.
 * @throws {UsageError} when the file cannot be read, is too large, or is not text.
 */
export async function readSource(file: string, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_BYTES) break;
    }
  } catch (cause) {
    throw new UsageError(`${name}: cannot read: ${reasonOf(cause)}`, { cause });
  }
  if (size > MAX_BYTES) {
    const limit = `${MAX_BYTES / 1_000_000} MB`;
    throw new UsageError(`${name}: larger than ${limit}: load files of this size from code`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new UsageError(`${name}: not a UTF-8 text file`, { cause });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'EACCES') return 'permission denied';
  return message;
}
