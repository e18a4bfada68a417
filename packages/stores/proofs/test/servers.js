// Starts a server of each kind.
import { postgresProblem, startPostgres } from '@stratagem/server-kit/postgres';
import { redisProblem, startRedis } from '@stratagem/server-kit/redis';

export const BACKENDS = {
  postgres: { problem: postgresProblem(), start: startPostgres },
  redis: { problem: redisProblem(), start: startRedis },
};

/** The kind of server that an option of the command line names. */
export function backendOf(name) {
  if (Object.hasOwn(BACKENDS, name)) return BACKENDS[name];
  throw new Error(`--backend must be ${Object.keys(BACKENDS).join(' or ')}; it is ${name}`);
}
