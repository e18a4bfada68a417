import { citationsOf } from './citation.js';
import { RunnerError } from './errors.js';
import { rateLimitsOf } from './rate-limits.js';
import type { TaskOutput } from './runner.js';
import { serverToolCallsOf } from './server-tool-call.js';
import { isAmount, usageOf } from './usage.js';

/**
 * Checks and copies the result of a runner, so that nothing later depends on a foreign object. A usage or
 * cost that is not one is left out.
 *
 * @param isStrict Whether such a usage or cost is refused: no paid answer depends on it.
 * @throws {RunnerError} `invalid_output`, with the name of the runner and the problem.
 */
export function readAnswer(runner: string, answer: unknown, isStrict = false): TaskOutput {
  const refuse = (what: string) =>
    new RunnerError('invalid_output', `runner "${runner}" answered with ${what}`);
  if (typeof answer !== 'object' || answer === null || !('output' in answer)) {
    const kind = answer === null ? 'null' : typeof answer;
    throw refuse(`${kind}; it must resolve to { output }`);
  }
  const { output, usage, costUsd, model, requestId, rateLimits, cached, citations } =
    answer as TaskOutput;
  const { serverToolCalls } = answer as TaskOutput;
  // An odd count must not lose an answer that has been paid for.
  const used = {
    usage: usage === undefined ? undefined : usageOf(usage),
    costUsd: costUsd !== undefined && isAmount(costUsd) ? costUsd : undefined,
  };
  const isOdd = (given: unknown, known: unknown) => given !== undefined && known === undefined;
  if (isStrict && (isOdd(usage, used.usage) || isOdd(costUsd, used.costUsd))) {
    throw refuse('an invalid usage or cost');
  }
  return {
    output,
    ...used,
    model: typeof model === 'string' ? model : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    rateLimits: rateLimits === undefined ? undefined : rateLimitsOf(rateLimits),
    ...(citations !== undefined && { citations: citationsOf(citations) }),
    ...(serverToolCalls !== undefined && { serverToolCalls: serverToolCallsOf(serverToolCalls) }),
    ...(cached === true && { cached }),
  };
}

/** Adds what an answer has cost to the error that refuses it: it has been paid for all the same. */
export function withDetails<T extends object>(thrown: T, answer: Omit<TaskOutput, 'output'>): T {
  const { usage, costUsd, model, requestId, rateLimits } = answer;
  return Object.assign(thrown, { usage, costUsd, model, requestId, rateLimits });
}
