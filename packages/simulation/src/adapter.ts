import { OptionError, type Task } from '@stratagem/core';
import type {
  SimulatedEnd,
  SimulatedPart,
  SimulatedRequest,
  SimulatedServer,
} from '@stratagem/core/testing';
import type { Answer, Demand, Part, Request, Server } from './server.js';

/** What a token is worth in text, about. */
const WORD = 'word ';

/** A request that knows which attempt it is for. */
interface Sent extends Request {
  readonly attemptOf: SimulatedRequest;
}

/** What attempts ask of a server, and what comes of them. */
export interface Exchange {
  readonly demandOf: (task: Task) => Demand;
  readonly outputOf: ((task: Task) => unknown) | undefined;
  /** See `Request`. */
  readonly tokensPerPart: number;
}

/** A server of a model, as core's `simulate` takes it. */
export function simulatedServer(
  server: Server,
  { demandOf, outputOf, tokensPerPart }: Exchange,
): SimulatedServer {
  const inFlight = new Map<SimulatedRequest, Sent>();
  return {
    get nextAt() {
      return server.nextAt;
    },
    start(attemptOf, now) {
      const { task, attempt, resource } = attemptOf;
      const demand = checked(task, demandOf(task));
      const sent = { ...demand, taskId: task.id, attempt, resource, tokensPerPart, attemptOf };
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
      const answer: Answer | Part | undefined = server.advance(now);
      if (answer === undefined) return undefined;
      if ('tokens' in answer) {
        const { attemptOf } = answer.request as Sent;
        return { request: attemptOf, part: { kind: 'text', text: WORD.repeat(answer.tokens) } };
      }
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

const FIGURES = ['workMs', 'inputTokens', 'outputTokens'] as const;

/** A request that takes no time that can be counted with would never end. */
function checked({ id }: Task, demand: Demand): Demand {
  for (const figure of FIGURES) {
    const value: unknown = demand?.[figure];
    if (Number.isFinite(value) && (value as number) >= 0) continue;
    throw new OptionError(
      `demandOf must give task "${id}" a ${figure} of at least 0; it is ${String(value)}`,
    );
  }
  return demand;
}
