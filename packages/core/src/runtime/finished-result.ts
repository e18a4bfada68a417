import { RunnerError } from '../contract/errors.js';
import type { AttemptResult } from '../contract/runner.js';
import type { AnySchema } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { validateAnswer, validateOutput } from '../contract/validate-output.js';
import type { ContentKey } from './attempt.js';
import { withDetails } from './kept-output.js';

/**
 * A result with its output as the schema of the task makes it, and with the key under which it can be found
 * again.
 *
 * @throws {RunnerError} `invalid_output` when the output does not fit the schema.
 */
export async function finishedResult(
  { outputSchema, run }: Task,
  answer: AttemptResult,
  contentKey: ContentKey,
): Promise<AttemptResult> {
  let result = answer;
  if (outputSchema !== undefined) {
    const output = await (run === undefined
      ? fittingAnswer(outputSchema, answer)
      : validateOutput(outputSchema, answer.output));
    result = { ...answer, output };
  }
  const key = await contentKey;
  return key === undefined ? result : { ...result, contentKey: key };
}

async function fittingAnswer(schema: AnySchema, answer: AttemptResult): Promise<unknown> {
  try {
    return await validateAnswer(schema, answer.output);
  } catch (thrown) {
    if (!(thrown instanceof RunnerError)) throw thrown;
    throw withDetails(thrown, answer);
  }
}
