import { RunnerError } from './errors.js';
import { rateLimitsOf } from './rate-limits.js';
import type { TaskOutput } from './runner.js';
import { isCost, usageOf } from './usage.js';

/**
 * Checks and copies the result of a runner, so that nothing later depends on a foreign object.
 *
 * @throws {RunnerError} `invalid_output`, with the name of the runner and the problem.
 */
export function readAnswer(runner: string, answer: unknown): TaskOutput {
  const refuse = (what: string) =>
    new RunnerError('invalid_output', `runner "${runner}" answered with ${what}`);
  if (typeof answer !== 'object' || answer === null || !('output' in answer)) {
    const kind = answer === null ? 'null' : typeof answer;
    throw refuse(`${kind}; it must resolve to { output }`);
  }
  const { output, usage, costUsd, model, requestId, rateLimits } = answer as TaskOutput;
  const known = usageOf(usage);
  if (usage !== undefined && known === undefined) {
    throw refuse('a usage that is not { inputTokens, outputTokens } in numbers');
  }
  if (costUsd !== undefined && !isCost(costUsd)) {
    throw refuse('a costUsd that is no amount; leave it out when the price is unknown');
  }
  return {
    output,
    usage: known,
    costUsd,
    model: textOf(model),
    requestId: textOf(requestId),
    rateLimits: rateLimits === undefined ? undefined : rateLimitsOf(rateLimits),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Adds what an answer has cost to the error that refuses it: it has been paid for all the same. */
export function withDetails<T extends object>(thrown: T, answer: Omit<TaskOutput, 'output'>): T {
  const { usage, costUsd, model, requestId, rateLimits } = answer;
  return Object.assign(thrown, { usage, costUsd, model, requestId, rateLimits });
}
