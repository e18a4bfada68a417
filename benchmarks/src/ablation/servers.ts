import { RunnerError } from '@stratagem/core';
import {
  concurrencyKnee,
  fixedLatency,
  type Gate,
  QueueingServer,
  type Request,
  type Response,
  type Server,
  type ServerModel,
  type StreamChunk,
} from '@stratagem/simulation';
import { ENGINES } from '../regret/engines.js';
import type { ServerCase } from '../regret/matrix.js';

/** Failures that have nothing to do with load. */
interface Faults {
  /** The share of the requests that fail. */
  readonly share: number;
  /** What happens to them: an error after a moment, or silence. */
  readonly kind: 'server_error' | 'timeout';
}

/** A server that fails at random. */
export function faulty(model: ServerModel, faults: Faults): ServerModel {
  return {
    name: `${model.name}, ${faults.share * 100} % ${faults.kind}`,
    begin: (seed) => new FaultyServer(model.begin(seed), faults, seed),
  };
}

const ERROR_AFTER_MS = 200;

class FaultyServer implements Server {
  readonly #server: Server;
  readonly #faults: Faults;
  readonly #seed: number;
  /** The failing requests, and when they fail; in this order. */
  readonly #failing = new Map<Request, number>();

  constructor(server: Server, faults: Faults, seed: number) {
    this.#server = server;
    this.#faults = faults;
    this.#seed = seed;
  }

  get nextAt(): number {
    const [failsAt = Number.POSITIVE_INFINITY] = this.#failing.values();
    return Math.min(this.#server.nextAt, failsAt);
  }

  start(request: Request, now: number): void {
    const { share, kind } = this.#faults;
    if (drawn(this.#seed, request) < share) {
      this.#failing.set(
        request,
        kind === 'timeout' ? Number.POSITIVE_INFINITY : now + ERROR_AFTER_MS,
      );
    } else this.#server.start(request, now);
  }

  abort(request: Request, now: number): void {
    if (!this.#failing.delete(request)) this.#server.abort(request, now);
  }

  advance(now: number): Response | StreamChunk | undefined {
    const [first] = this.#failing;
    if (first !== undefined && first[1] <= now) {
      this.#failing.delete(first[0]);
      const error = new RunnerError('server_error', 'failed at random');
      return { request: first[0], error, rateLimits: undefined };
    }
    return this.#server.advance(now);
  }
}

/** A number from 0 to 1 for an attempt. */
function drawn(seed: number, { taskId, attempt }: Request): number {
  let value = 0x811c9dc5;
  for (const character of `${seed} ${taskId} ${attempt} fault`) {
    value = Math.imul(value ^ character.charCodeAt(0), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  value = Math.imul(value ^ (value >>> 13), 0x45d9f3b);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}

const sigma = 0.15;
const MOST_IN_FLIGHT = 16;
const TIMEOUTS = { share: 0.02, kind: 'timeout' } as const;
const ERRORS = { share: 0.05, kind: 'server_error' } as const;
const LOSSES = { share: 0.05, kind: 'timeout' } as const;

/** The cells that the regret matrix lacks. */
export const FAULTY_SERVERS: readonly ServerCase[] = [
  steady('2 % time out', faulty(fixedLatency(), TIMEOUTS)),
  steady('knee at 8, 2 % time out', faulty(concurrencyKnee({ knee: 8, sigma }), TIMEOUTS)),
  steady('5 % fail', faulty(fixedLatency(), ERRORS)),
  steady('knee at 8, 5 % fail', faulty(concurrencyKnee({ knee: 8, sigma }), ERRORS)),
  steady('knee at 2, 5 % lost', faulty(concurrencyKnee({ knee: 2, sigma }), LOSSES)),
  moving('knee 8 ×4, 2 % time out', 8, 4, TIMEOUTS),
  moving('knee 32 ÷4, 2 % time out', 32, 0.25, TIMEOUTS),
  moving('knee 8 ×4, 5 % fail', 8, 4, ERRORS),
  moving('knee 32 ÷4, 5 % fail', 32, 0.25, ERRORS),
  moving('knee 2 ×4, 5 % lost', 2, 4, LOSSES),
  moving('knee 8 ÷4, 5 % lost', 8, 0.25, LOSSES),
  ...ENGINES,
  steady('errors above 16', full('server_error')),
  steady('silence above 16', full('timeout')),
];

/** A server that fails above a number of requests, without becoming slower before. */
function full(code: 'server_error' | 'timeout'): ServerModel {
  const afterMs = code === 'timeout' ? Number.POSITIVE_INFINITY : ERROR_AFTER_MS;
  const refusal = { code, message: 'the server is full', afterMs };
  const gate: Gate = {
    refuse: (_request, _now, inFlight) => (inFlight >= MOST_IN_FLIGHT ? refusal : undefined),
  };
  return {
    name: `${code} above ${MOST_IN_FLIGHT}`,
    begin: (seed) => new QueueingServer({ seed, sigma, gate }),
  };
}

function steady(name: string, model: ServerModel): ServerCase {
  return { name, factor: 1, model: () => model };
}

function moving(name: string, knee: number, factor: number, faults: Faults): ServerCase {
  return {
    name,
    factor,
    model: (changes) => faulty(concurrencyKnee({ knee, sigma, changes }), faults),
  };
}
