import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../options/usage-error.js';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'yaml', 'yml', 'json'].map(
  (extension) => `stratagem.config.${extension}`,
);

/**
 * The configuration file of a project: in the working directory, or in a folder above it, up to the root
 * of the repository. Without a repository, the folders below the home directory are searched, and outside
 * of that the working directory alone: what is above belongs to others, and a file may be code.
 *
 * @throws {UsageError} when a folder has several.
 */
export function findConfig(cwd: string, home: string): string | undefined {
  for (const folder of foldersOf(cwd, home)) {
    const found = NAMES.filter((name) => existsSync(join(folder, name)));
    if (found.length > 1) {
      throw new UsageError(
        `${folder} has several configuration files, ${found.join(' and ')}: keep one`,
      );
    }
    if (found[0] !== undefined) return join(folder, found[0]);
  }
  return undefined;
}

/** The folders of a project, from the inside out. */
function foldersOf(cwd: string, home: string): string[] {
  const folders: string[] = [];
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (folder === home && folder !== cwd) return folders;
    folders.push(folder);
    if (existsSync(join(folder, '.git'))) return folders;
    if (dirname(folder) === folder) return [cwd];
  }
}
