import { OptionError } from '@stratagem/core';
import { randomFrom } from '../util/random.js';
import type { Request, Response, Server, ServerModel, StreamChunk } from './server.js';

/**
 * Several providers, each with its own server and resource. Tasks are spread evenly; all attempts of a
 * task go to the same provider.
 *
 * @param models The server models, by the name of their resource.
 * @throws {OptionError} when there is no model.
 *
 * @example
 * providers({
 *   fast: rateLimited({ requestsPerMinute: 600 }),
 *   slow: concurrencyKnee({ knee: 4 }),
 * });
 */
export function providers(models: Readonly<Record<string, ServerModel>>): ServerModel {
  const names = Object.keys(Object(models));
  for (const name of names) {
    if (typeof models[name]?.begin === 'function') continue;
    throw new OptionError(`providers(): ${name} must be a server model, such as fixedLatency()`);
  }
  if (names.length === 0) throw new OptionError('providers() needs at least one server model');
  return {
    name: `providers: ${Object.values(models)
      .map(({ name }) => name)
      .join('; ')}`,
    resourceOf: ({ id }) => names[Math.floor(randomFrom(id)() * names.length)] as string,
    begin: (seed) =>
      new Providers(
        new Map(names.map((name) => [name, (models[name] as ServerModel).begin(seed)])),
      ),
  };
}

/** Servers that each get the requests for a resource. */
export class Providers implements Server {
  readonly #servers: ReadonlyMap<string, Server>;

  constructor(servers: ReadonlyMap<string, Server>) {
    this.#servers = servers;
  }

  get nextAt(): number {
    return Math.min(...Array.from(this.#servers.values(), ({ nextAt }) => nextAt));
  }

  start(request: Request, now: number): void {
    this.#serverOf(request).start(request, now);
  }

  abort(request: Request, now: number): void {
    this.#serverOf(request).abort(request, now);
  }

  advance(now: number): Response | StreamChunk | undefined {
    for (const server of this.#servers.values()) {
      if (server.nextAt <= now) return server.advance(now);
    }
    return undefined;
  }

  #serverOf({ resource }: Request): Server {
    return this.#servers.get(resource) as Server;
  }
}
