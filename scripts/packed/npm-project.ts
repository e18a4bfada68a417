import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { run, tarballOf, withOurs } from './packages.js';

/** Creates an empty project and installs the packages, and what they need of ours, with npm. */
export async function npmProject(folder: string, packages: readonly string[]): Promise<string> {
  const project = join(inject('workshop'), folder);
  await mkdir(project);
  const manifest = { private: true, dependencies: localDependencies(packages) };
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  await npmInstall(project);
  return project;
}

export async function npmInstall(project: string): Promise<void> {
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  await run('npm', ['install', ...flags, '--fetch-retries=1'], project);
}

/** The packages are not published yet, so their dependencies of ours come from tarballs too. */
export function localDependencies(packages: readonly string[]): Record<string, string> {
  const tarballs = inject('tarballs');
  return Object.fromEntries(
    withOurs(packages).map((name) => [name, `file:${tarballOf(tarballs, name)}`]),
  );
}
