import type { RunContext, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import { RunnerError } from '@stratagem/core/runner';

/**
 * Runs a request and checks the output against the task's schema, for wrappers that must know
 * whether the runner succeeded.
 *
 * @throws {RunnerError} `invalid_output` when the output does not match; otherwise what the runner
 * throws.
 */
export async function checkedRun(
  runner: TaskRunner,
  request: TaskRequest,
  context: RunContext,
): Promise<TaskOutput> {
  const response = requireOutput(runner, await runner.run(request, context));
  const mismatch = await request.check?.(response.output);
  if (mismatch === undefined) return response;
  const { usage, costUsd, model, requestId, rateLimits } = response;
  const details = { usage, costUsd, model, requestId, rateLimits };
  throw new RunnerError('invalid_output', mismatch, details);
}

/**
 * The response of a runner, checked to be an object with an `output`.
 *
 * @throws {RunnerError} `invalid_output` when it is not.
 */
export function requireOutput({ name }: TaskRunner, response: TaskOutput): TaskOutput {
  if (typeof response === 'object' && response !== null && 'output' in response) return response;
  throw new RunnerError('invalid_output', `runner "${name}" must resolve to { output }`);
}
