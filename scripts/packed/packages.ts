import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A published package of this repository. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Record<string, string>;
  readonly exports: Record<string, unknown>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

export const root = join(import.meta.dirname, '../..');

/** The published packages by name. */
export const manifests = new Map<string, Manifest>();
for (const file of globSync('packages/{*,*/*}/package.json', { cwd: root })) {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, file), 'utf8'));
  if (manifest.private) continue;
  manifests.set(manifest.name, manifest);
}

export const names = [...manifests.keys()].sort();

/** What an importer can name, such as `@stratagem/core/journal`. */
export function entriesOf({ name, exports }: Manifest): string[] {
  const paths = Object.keys(exports).filter((path) => !path.endsWith('.json'));
  return paths.map((path) => name + path.slice(1));
}

/** The name of a package as part of a file name. */
export const shortName = (name: string) => name.replace('@stratagem/', '');

/** The tarball of a package in the folder of all tarballs. */
export function tarballOf(tarballs: string, name: string): string {
  const file = `${name.replace('@', '').replace('/', '-')}-${manifests.get(name)?.version}.tgz`;
  return join(tarballs, file);
}

/** These packages and those of this repository that they depend on. */
export function withOurs(packages: readonly string[]): string[] {
  const all = new Set(packages);
  for (const name of all) {
    for (const dependency of Object.keys(manifests.get(name)?.dependencies ?? {})) {
      if (manifests.has(dependency)) all.add(dependency);
    }
  }
  return [...all];
}

/** Runs a command; an error says what the command printed. */
export async function run(command: string, args: readonly string[], cwd: string, env: object = {}) {
  try {
    // On Windows, npm and the files of .bin are scripts, which a shell starts.
    const shell = process.platform === 'win32';
    const options = { cwd, shell, env: { ...process.env, ...env }, maxBuffer: 2 ** 24 };
    return await promisify(execFile)(command, args, options);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
  }
}
