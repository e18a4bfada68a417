import type { RunnerError } from '@stratagem/core';
import type { Request, Response, ServerModel } from '../src/index.js';

/** A request and its arrival. */
export interface Arrival {
  readonly at: number;
  /** @default 1_000 */
  readonly workMs?: number;
  /** Input and output together; @default 1_000 */
  readonly tokens?: number;
  /** The output tokens among them; @default 0 */
  readonly written?: number;
  /** @default the response comes in one piece */
  readonly tokensPerChunk?: number;
  readonly resource?: string;
  /** When it is aborted. */
  readonly abortAt?: number;
}

/** The end of a request, and the chunks of its response. */
export interface Served {
  readonly at: number;
  readonly chunks: readonly { readonly at: number; readonly tokens: number }[];
  readonly error: RunnerError | undefined;
  readonly rateLimits: Response['rateLimits'];
}

/**
 * Sends requests to a server of a model; undefined stands for a request without a response.
 *
 * @throws {Error} when the server reports a request that is not in flight.
 */
export function serve(
  model: ServerModel,
  arrivals: readonly Arrival[],
  seed = 0,
): (Served | undefined)[] {
  const server = model.begin(seed);
  const served: (Served | undefined)[] = arrivals.map(() => undefined);
  const requests = arrivals.map(
    (
      { workMs = 1_000, tokens = 1_000, written = 0, tokensPerChunk = Infinity, resource = 'r' },
      index,
    ): Request => ({
      taskId: `${index}`,
      attempt: 1,
      resource,
      workMs,
      inputTokens: tokens - written,
      outputTokens: written,
      tokensPerChunk,
    }),
  );
  const chunks = arrivals.map((): { at: number; tokens: number }[] => []);
  const open = new Set<Request>();
  const moves = arrivals
    .flatMap(({ at, abortAt }, index) => {
      const request = requests[index] as Request;
      const start = {
        at,
        act: () => {
          open.add(request);
          server.start(request, at);
        },
      };
      if (abortAt === undefined) return [start];
      const abort = {
        at: abortAt,
        act: () => {
          if (open.delete(request)) server.abort(request, abortAt);
        },
      };
      return [start, abort];
    })
    .sort((a, b) => a.at - b.at);
  const advanceTo = (until: number) => {
    while (server.nextAt <= until && server.nextAt !== Number.POSITIVE_INFINITY) {
      const now = server.nextAt;
      const answer = server.advance(now);
      if (answer === undefined) continue;
      const { request } = answer;
      const index = requests.indexOf(request);
      if (!open.has(request)) throw new Error(`request ${index} is not in flight`);
      if ('tokens' in answer) {
        chunks[index]?.push({ at: now, tokens: answer.tokens });
        continue;
      }
      open.delete(request);
      const { error, rateLimits } = answer;
      served[index] = { at: now, chunks: chunks[index] as Served['chunks'], error, rateLimits };
    }
  };
  for (const { at, act } of moves) {
    advanceTo(at);
    act();
  }
  advanceTo(Number.POSITIVE_INFINITY);
  return served;
}

/** When each request ended. */
export function times(served: readonly (Served | undefined)[]): (number | undefined)[] {
  return served.map((each) => each && Math.round(each.at * 1e6) / 1e6);
}

/** This many requests at once. */
export function together(count: number, at = 0): Arrival[] {
  return Array.from({ length: count }, () => ({ at }));
}
