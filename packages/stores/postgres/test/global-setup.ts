import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's URL of the server of these tests; undefined where none can be started. */
    readonly postgresUrl: string | undefined;
  }
}

/** Starts one server for all test files. */
export default async function setup(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const problem = postgresProblem();
  if (problem !== undefined) {
    console.warn(problem);
    project.provide('postgresUrl', undefined);
    return undefined;
  }
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  return () => server[Symbol.asyncDispose]();
}
