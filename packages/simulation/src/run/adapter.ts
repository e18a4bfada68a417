import { OptionError, type Task } from '@stratagem/core';
import type {
  SimulatedEnd,
  SimulatedPart,
  SimulatedRequest,
  SimulatedServer,
} from '@stratagem/core/simulate';
import type { Demand, Request, Response, Server, StreamChunk } from '../servers/server.js';

/** The text of a token, roughly. */
const WORD = 'word ';

/** A request, with the attempt that it belongs to. */
interface AttemptRequest extends Request {
  readonly attemptOf: SimulatedRequest;
}

/** The demands and outputs of the tasks. */
export interface TaskModel {
  readonly demandOf: (task: Task) => Demand;
  readonly outputOf: ((task: Task) => unknown) | undefined;
  /** See {@link Request.tokensPerChunk}. */
  readonly tokensPerChunk: number;
}

/** Adapts the server of a model to core's `simulate`. */
export function simulatedServer(
  server: Server,
  { demandOf, outputOf, tokensPerChunk }: TaskModel,
): SimulatedServer {
  const inFlight = new Map<SimulatedRequest, AttemptRequest>();
  return {
    get nextAt() {
      return server.nextAt;
    },
    start(attemptOf, now) {
      const { task, attempt, resource } = attemptOf;
      const demand = checkDemand(task, demandOf(task));
      const { id: taskId, type } = task;
      const sent = { ...demand, taskId, type, attempt, resource, tokensPerChunk, attemptOf };
      inFlight.set(attemptOf, sent);
      server.start(sent, now);
    },
    abort(attemptOf, now) {
      const sent = inFlight.get(attemptOf);
      if (sent === undefined) return;
      inFlight.delete(attemptOf);
      server.abort(sent, now);
    },
    advance(now): SimulatedEnd | SimulatedPart | undefined {
      const answer: Response | StreamChunk | undefined = server.advance(now);
      if (answer === undefined) return undefined;
      if ('tokens' in answer) {
        const { attemptOf } = answer.request as AttemptRequest;
        return { request: attemptOf, part: { kind: 'text', text: WORD.repeat(answer.tokens) } };
      }
      const { error, rateLimits } = answer;
      const { attemptOf, inputTokens, outputTokens, costUsd } = answer.request as AttemptRequest;
      inFlight.delete(attemptOf);
      if (error !== undefined) return { request: attemptOf, error };
      return {
        request: attemptOf,
        output: outputOf?.(attemptOf.task),
        usage: { inputTokens, outputTokens },
        ...(costUsd !== undefined && { costUsd }),
        ...(rateLimits && { rateLimits }),
      };
    },
  };
}

const DEMAND_FIELDS = ['workMs', 'inputTokens', 'outputTokens'] as const;

/** Checks a demand, because a request without a finite duration would never end. */
function checkDemand({ id }: Task, demand: Demand): Demand {
  for (const field of DEMAND_FIELDS) {
    const value: unknown = demand?.[field];
    if (Number.isFinite(value) && (value as number) >= 0) continue;
    throw new OptionError(
      `demandOf must return a ${field} of at least 0 for task "${id}"; it is ${String(value)}`,
    );
  }
  return demand;
}
