import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the servers of these tests, by kind; those that are not installed are left out. */
    readonly engineUrls: Readonly<Partial<Record<'postgres' | 'redis', string>>>;
  }
}

/** Starts one server of each kind for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const problem = postgresProblem();
  if (problem !== undefined) console.warn(problem);
  const postgres = problem === undefined ? await startPostgres() : undefined;
  project.provide('engineUrls', { ...(postgres && { postgres: postgres.url }) });
  return async () => {
    await postgres?.[Symbol.asyncDispose]();
  };
}
