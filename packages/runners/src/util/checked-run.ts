import {
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';

/**
 * What a runner answers, where that decides on what comes next: so it is one, and it fits the
 * task's schema.
 *
 * @throws {RunnerError} `invalid_output` when it does not; otherwise whatever the runner throws.
 */
export async function answerOf(
  runner: TaskRunner,
  request: TaskRequest,
  context: RunContext,
): Promise<TaskOutput> {
  const answer = checkedAnswer(runner, await runner.run(request, context));
  const misfit = await request.check?.(answer.output);
  if (misfit === undefined) return answer;
  const { usage, costUsd, model, requestId, rateLimits } = answer;
  const details = { usage, costUsd, model, requestId, rateLimits };
  throw new RunnerError('invalid_output', misfit, details);
}

/**
 * What a runner resolved to, where its parts are looked at.
 *
 * @throws {RunnerError} `invalid_output` when it is no answer at all.
 */
export function checkedAnswer({ name }: TaskRunner, answer: TaskOutput): TaskOutput {
  if (typeof answer === 'object' && answer !== null && 'output' in answer) return answer;
  throw new RunnerError('invalid_output', `runner "${name}" must resolve to { output }`);
}
