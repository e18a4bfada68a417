import { RunnerError, type TaskOutput, type Usage } from '@stratagem/core';
import type { Question } from './exchange.js';

/** What a stream brought, in the words that both APIs share. */
export interface Answer {
  readonly text: string;
  /** What the model wrote to say no. */
  readonly refusal: string;
  /** How it ended; undefined when the stream stopped before that. */
  readonly end: 'complete' | 'truncated' | 'filtered' | undefined;
  readonly usage: Usage | undefined;
  readonly model: string | undefined;
  readonly requestId: string | undefined;
}

/** An answer that is whole. What there is of any other was emitted as it came, and is in the log. */
export function toTaskOutput(answer: Answer, { model, options }: Question): TaskOutput {
  const { text, refusal, end, usage, requestId } = answer;
  const details = { requestId, usage };
  if (end === undefined) {
    const message = `openai/${model}: the stream ended before the answer was complete`;
    throw new RunnerError('connection', message, details);
  }
  if (refusal !== '') {
    throw new RunnerError('refused', `openai/${model} refused: ${refusal}`, details);
  }
  if (end === 'filtered') {
    const message = `openai/${model}: the answer was withheld by the content filter`;
    throw new RunnerError('refused', message, details);
  }
  if (end === 'truncated') {
    const { maxOutputTokens } = options;
    const limit =
      maxOutputTokens === undefined
        ? "at the model's limit of tokens"
        : `after ${maxOutputTokens} tokens; raise maxOutputTokens`;
    const message = `openai/${model}: the answer was cut off ${limit}`;
    throw new RunnerError('truncated', message, details);
  }
  return { output: text, usage, model: answer.model, requestId };
}
