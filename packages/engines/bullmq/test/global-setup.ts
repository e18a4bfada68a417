import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the servers of these tests, by kind; those that are not installed are left out. */
    readonly engineUrls: Readonly<Partial<Record<'postgres' | 'redis', string>>>;
  }
}

/** Starts one server of each kind for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const problems = { postgres: postgresProblem(), redis: redisProblem() };
  for (const problem of Object.values(problems)) if (problem !== undefined) console.warn(problem);
  const postgres = problems.postgres === undefined ? await startPostgres() : undefined;
  const redis = problems.redis === undefined ? await startRedis() : undefined;
  project.provide('engineUrls', {
    ...(postgres && { postgres: postgres.url }),
    ...(redis && { redis: redis.url }),
  });
  return async () => {
    await postgres?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  };
}
