import type { TaskOptions, TaskRequest } from '@stratagem/core';
import { identitiesOf, type RequestTool, RunnerError } from '@stratagem/core/runner';
import { countTokens } from './usage.js';

/** The text that the model reads: its instructions, what it knows of attachments, and the prompt. */
export function promptOf({ prompt, options, attachments }: TaskRequest): string {
  return [options?.instructions, attachedText(attachments), prompt]
    .filter((text) => text !== undefined)
    .join('\n\n');
}

/** The names, types and hashes of attachments: another file leads to another answer. */
export function attachedText(attachments: TaskRequest['attachments']): string | undefined {
  return attachments && JSON.stringify(identitiesOf(attachments));
}

/** The tools that the task lets the model call. */
export function allowedTools({ tools = [], options }: TaskRequest): readonly RequestTool[] {
  const { toolChoice = 'auto' } = options ?? {};
  if (toolChoice === 'none') return [];
  if (typeof toolChoice === 'string') return tools;
  return tools.filter(({ name }) => name === toolChoice.toolName);
}

/**
 * The answer up to the first stop sequence.
 *
 * @throws {RunnerError} `truncated` when it has more tokens than the task allows.
 */
export function limited(output: unknown, options: TaskOptions | undefined): unknown {
  if (typeof output !== 'string' || options === undefined) return output;
  const { stopSequences = [], maxOutputTokens } = options;
  const ends = stopSequences.map((text) => output.indexOf(text)).filter((end) => end >= 0);
  const answer = ends.length === 0 ? output : output.slice(0, Math.min(...ends));
  if (maxOutputTokens === undefined || countTokens(answer) <= maxOutputTokens) return answer;
  const message = `the answer was cut off after ${maxOutputTokens} tokens; raise maxOutputTokens`;
  throw new RunnerError('truncated', `simulated: ${message}`);
}
