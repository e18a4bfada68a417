import { RunnerError } from './errors.js';
import type { TaskOutput } from './runner.js';
import { isCost, isUsage } from './usage.js';

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
  if (usage !== undefined && !isUsage(usage)) {
    throw refuse('a usage that is not { inputTokens, outputTokens } in numbers');
  }
  if (costUsd !== undefined && !isCost(costUsd)) {
    throw refuse('a costUsd that is no amount; leave it out when the price is unknown');
  }
  return { output, usage, costUsd, model, requestId, rateLimits };
}
