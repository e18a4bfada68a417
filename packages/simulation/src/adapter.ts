import type { Task } from '@stratagem/core';
import type { SimulatedEnd, SimulatedRequest, SimulatedServer } from '@stratagem/core/testing';
import type { Demand, Request, Server } from './server.js';

/** A request that knows which attempt it is for. */
interface Sent extends Request {
  readonly attemptOf: SimulatedRequest;
}

/**
 * A server of a model, as core's `simulate` takes it.
 *
 * @param demandOf What each task asks of it.
 */
export function simulatedServer(
  server: Server,
  demandOf: (task: Task) => Demand,
  outputOf: ((task: Task) => unknown) | undefined,
): SimulatedServer {
  const inFlight = new Map<SimulatedRequest, Sent>();
  return {
    get nextAt() {
      return server.nextAt;
    },
    start(attemptOf, now) {
      const { task, attempt, resource } = attemptOf;
      const sent = { ...demandOf(task), taskId: task.id, attempt, resource, attemptOf };
      inFlight.set(attemptOf, sent);
      server.start(sent, now);
    },
    abort(attemptOf, now) {
      const sent = inFlight.get(attemptOf);
      if (sent === undefined) return;
      inFlight.delete(attemptOf);
      server.abort(sent, now);
    },
    advance(now): SimulatedEnd | undefined {
      const answer = server.advance(now);
      if (answer === undefined) return undefined;
      const { error, rateLimits } = answer;
      const { attemptOf, inputTokens, outputTokens } = answer.request as Sent;
      inFlight.delete(attemptOf);
      if (error !== undefined) return { request: attemptOf, error };
      return {
        request: attemptOf,
        output: outputOf?.(attemptOf.task),
        usage: { inputTokens, outputTokens },
        ...(rateLimits && { rateLimits }),
      };
    },
  };
}
