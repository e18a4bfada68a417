import { type RateLimits, RunnerError, type Usage } from '@stratagem/core';
import type { ToolCall, Turn } from '@stratagem/core/provider';
import type { OpenAIOptions } from './options.js';

/** What a model brought, in the words that both APIs share. */
export interface Answer {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  /** What the model wrote to say no. */
  readonly refusal: string;
  /** How it ended; undefined when the stream stopped before that. */
  readonly end: 'complete' | 'truncated' | 'filtered' | undefined;
  readonly usage: Usage | undefined;
  readonly model: string | undefined;
}

/** What came with the answer. */
export interface Surroundings {
  readonly requestId: string | undefined;
  readonly rateLimits?: RateLimits | undefined;
}

/**
 * An answer that is whole. What there is of any other was emitted as it came, and is in the log.
 *
 * @throws {RunnerError} `refused`, `truncated`, or `connection` when it is not.
 */
export function toTurn(
  answer: Answer,
  { model, options }: { readonly model: string; readonly options: OpenAIOptions },
  surroundings: Surroundings,
): Turn {
  const { text, toolCalls, refusal, end, usage } = answer;
  const fail = (code: RunnerError['code'], what: string) =>
    new RunnerError(code, `openai/${model}${what}`, {
      ...surroundings,
      usage,
      model: answer.model ?? model,
    });
  if (end === undefined) {
    throw fail('connection', ': the stream ended before the answer was complete');
  }
  if (refusal !== '') throw fail('refused', ` refused: ${refusal}`);
  if (end === 'filtered') {
    throw fail('refused', ': the answer was withheld by the content filter');
  }
  if (end === 'truncated') {
    const { maxOutputTokens } = options;
    const limit =
      maxOutputTokens === undefined
        ? "at the model's limit of tokens"
        : `after ${maxOutputTokens} tokens; raise maxOutputTokens`;
    throw fail('truncated', `: the answer was cut off ${limit}`);
  }
  return { text, toolCalls, usage, model: answer.model, ...surroundings };
}
