import { createReadStream } from 'node:fs';
import { UsageError } from '../output/exit-code.js';

/** Some 150,000 tasks; reading YAML takes about a hundred times its size in memory. */
const MAX_BYTES = 20_000_000;

/**
 * The text of a file, or of standard input for `-`.
 *
 * @param name How messages call the file.
 * @throws {UsageError} when it cannot be read, is too large or no text.
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
    throw new UsageError(`${name}: cannot be read: ${reason(cause)}`, { cause });
  }
  if (size > MAX_BYTES) {
    const limit = `${MAX_BYTES / 1_000_000} MB`;
    throw new UsageError(`${name}: is larger than ${limit}; run a plan of that size from code`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new UsageError(`${name}: is not a text file in UTF-8`, { cause });
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'permission denied';
  return message;
}
