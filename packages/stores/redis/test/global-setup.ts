import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The URL of the server of these tests; undefined where none can be started. */
    readonly redisUrl: string | undefined;
  }
}

/** Starts one server for all test files. */
export default async function setup(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const problem = redisProblem();
  if (problem !== undefined) {
    console.warn(problem);
    project.provide('redisUrl', undefined);
    return undefined;
  }
  const server = await startRedis();
  project.provide('redisUrl', server.url);
  return () => server[Symbol.asyncDispose]();
}
