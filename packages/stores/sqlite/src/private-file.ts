import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a file that is not there, and its folder, for their owner alone. What SQLite puts beside
 * the file gets the same permissions.
 *
 * @returns Whether it has been made.
 */
export function makePrivateFile(file: string): boolean {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  // A file is on the disk only when its folder is; Windows has no such step.
  if (process.platform !== 'win32') {
    const descriptor = openSync(directory, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
  return true;
}
