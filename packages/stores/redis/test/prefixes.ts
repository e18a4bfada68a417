import { Redis } from 'ioredis';
import { inject } from 'vitest';
// The context that the setup provides.
import './global-setup.js';

/** The server of the tests; undefined where none is installed. */
export const url = inject('redisUrl') as string;

let count = 0;

/** A prefix that nobody has used. */
export function newPrefix(): string {
  count++;
  return `test:${process.pid}:${count}`;
}

/** Sends one command to the server of the tests, on a connection of its own. */
export function command(name: string, ...args: (string | number)[]): Promise<unknown> {
  return commandAt(url, name, ...args);
}

export async function commandAt(
  at: string,
  name: string,
  ...args: (string | number)[]
): Promise<unknown> {
  const client = new Redis(at, { lazyConnect: true, protocol: 2 });
  await client.connect();
  try {
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}
