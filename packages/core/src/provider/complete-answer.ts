import { type AttemptErrorCode, RunnerError } from '../contract/errors.js';
import type { AnswerEnd } from './answer-end.js';
import type { Turn } from './conversation.js';
import { definedFields } from './defined-fields.js';

/** The answer to one request, as far as it arrived. */
export interface ModelAnswer extends Turn {
  /** Undefined when the stream stopped before the end of the answer. */
  readonly end: AnswerEnd | undefined;
  /** The reason that the server gave for the end. */
  readonly reason?: string | undefined;
  /** The reason that the model gave for a refusal. */
  readonly refusal?: string | undefined;
}

/** The model that was asked, and the limit of its answer. */
export interface AnswerTarget {
  /** Begins each message: provider and model. */
  readonly label: string;
  readonly model: string;
  readonly maxOutputTokens?: number | undefined;
}

/**
 * Rejects an answer that is not complete. The text of a rejected answer has been emitted already, so
 * the log keeps it.
 *
 * @throws {RunnerError} `connection`, `refused`, `truncated`, `overloaded` or `server_error`, with the
 * usage.
 */
export function requireComplete(answer: ModelAnswer, target: AnswerTarget): void {
  const [code, problem] = shortfallOf(answer, target.maxOutputTokens) ?? [];
  if (code === undefined) return;
  const { usage, costUsd, model = target.model, requestId, rateLimits } = answer;
  const details = definedFields({ usage, costUsd, model, requestId, rateLimits });
  throw new RunnerError(code, `${target.label}${problem}`, details);
}

function shortfallOf(
  { end, reason, refusal = '', text, toolCalls = [] }: ModelAnswer,
  maxOutputTokens: number | undefined,
): [AttemptErrorCode, string] | undefined {
  if (end === undefined) {
    return ['connection', ': the stream ended before the answer was complete'];
  }
  if (refusal !== '') return ['refused', ` refused: ${refusal}`];
  switch (end) {
    case 'complete':
      if (toolCalls.length > 0 || text.trim() !== '') return undefined;
      return ['server_error', ': the answer is empty'];
    case 'tool_calls':
      if (toolCalls.length > 0) return undefined;
      return ['server_error', ': the answer ended to call a tool, but calls none'];
    case 'refused':
      return ['refused', ' refused to answer'];
    case 'filtered':
      return ['refused', ': the content filter withheld the answer'];
    case 'failed':
      return ['server_error', ': the answer failed'];
    case 'unknown':
      return ['server_error', `: the answer ended for an unknown reason: "${reason}"`];
    case 'overloaded':
      return ['overloaded', ': the server had no capacity for the rest of the answer'];
    case 'paused':
      return ['truncated', ': the server paused before the answer was complete'];
    case 'context_full':
      return ['truncated', ": the answer was cut off at the end of the model's context window"];
    case 'truncated': {
      const limit =
        maxOutputTokens === undefined
          ? "at the model's token limit"
          : `after ${maxOutputTokens} tokens; raise maxOutputTokens`;
      return ['truncated', `: the answer was cut off ${limit}`];
    }
  }
}
