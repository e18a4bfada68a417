import type { RunnerError } from '@stratagem/core';
import type { Answer, Request, ServerModel } from '../src/index.js';

/** A request, and when it comes. */
export interface Arrival {
  readonly at: number;
  /** @default 1_000 */
  readonly workMs?: number;
  /** Read and written together; @default 1_000 */
  readonly tokens?: number;
  readonly resource?: string;
  /** When nobody waits for it any more. */
  readonly abortAt?: number;
}

/** What became of it: when it was answered, and how. */
export interface Served {
  readonly at: number;
  readonly error: RunnerError | undefined;
  readonly rateLimits: Answer['rateLimits'];
}

/** Sends requests to a server of a model; what was never answered is undefined. */
export function serve(
  model: ServerModel,
  arrivals: readonly Arrival[],
  seed = 0,
): (Served | undefined)[] {
  const server = model.begin(seed);
  const served: (Served | undefined)[] = arrivals.map(() => undefined);
  const requests = arrivals.map(
    ({ workMs = 1_000, tokens = 1_000, resource = 'r' }, index): Request => ({
      taskId: `${index}`,
      attempt: 1,
      resource,
      workMs,
      inputTokens: tokens,
      outputTokens: 0,
    }),
  );
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
      open.delete(answer.request);
      const { error, rateLimits } = answer;
      served[requests.indexOf(answer.request)] = { at: now, error, rateLimits };
    }
  };
  for (const { at, act } of moves) {
    advanceTo(at);
    act();
  }
  advanceTo(Number.POSITIVE_INFINITY);
  return served;
}

/** When each was answered. */
export function times(served: readonly (Served | undefined)[]): (number | undefined)[] {
  return served.map((each) => each && Math.round(each.at * 1e6) / 1e6);
}

/** So many requests at once. */
export function together(count: number, at = 0): Arrival[] {
  return Array.from({ length: count }, () => ({ at }));
}
