import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root, run } from './packages.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder of the test run. */
    workshop: string;
    /** The folder with the tarball of every package. */
    tarballs: string;
  }
}

/** Packs every package once, for all test files. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const workshop = await mkdtemp(join(tmpdir(), 'stratagem-packed-'));
  const tarballs = join(workshop, 'tarballs');
  await mkdir(tarballs);
  const args = ['--recursive', '--filter', './packages/**', 'pack'];
  await run('pnpm', [...args, '--pack-destination', tarballs], root);
  project.provide('workshop', workshop);
  project.provide('tarballs', tarballs);
  return () => rm(workshop, { recursive: true, force: true });
}
