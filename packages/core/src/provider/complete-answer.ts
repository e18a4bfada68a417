import { type AttemptErrorCode, RunnerError } from '../contract/errors.js';
import type { Turn } from './conversation.js';
import { definedFields } from './defined-fields.js';

/** How an answer ended. */
export type AnswerEnd =
  | 'complete'
  /** At a limit of tokens: of the request, or of the model. */
  | 'truncated'
  /** At the end of the context window. */
  | 'context_full'
  /** A content filter withheld the answer. */
  | 'filtered'
  | 'refused'
  /** The provider failed while it answered. */
  | 'failed';

/** The answer to one request, as far as it arrived. */
export interface ModelAnswer extends Turn {
  /** Undefined when the stream stopped before the end of the answer. */
  readonly end: AnswerEnd | undefined;
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
 * @throws {RunnerError} `connection`, `refused`, `truncated` or `server_error`, with the usage.
 */
export function requireComplete(answer: ModelAnswer, target: AnswerTarget): void {
  const [code, problem] = shortfallOf(answer, target.maxOutputTokens) ?? [];
  if (code === undefined) return;
  const { usage, costUsd, model = target.model, requestId, rateLimits } = answer;
  const details = definedFields({ usage, costUsd, model, requestId, rateLimits });
  throw new RunnerError(code, `${target.label}${problem}`, details);
}

function shortfallOf(
  { end, refusal = '' }: ModelAnswer,
  maxOutputTokens: number | undefined,
): [AttemptErrorCode, string] | undefined {
  if (end === undefined) {
    return ['connection', ': the stream ended before the answer was complete'];
  }
  if (refusal !== '') return ['refused', ` refused: ${refusal}`];
  switch (end) {
    case 'complete':
      return undefined;
    case 'refused':
      return ['refused', ' refused to answer'];
    case 'filtered':
      return ['refused', ': the content filter withheld the answer'];
    case 'failed':
      return ['server_error', ': the answer failed'];
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
