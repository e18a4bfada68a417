import { describe, expect, test } from 'vitest';
import { type ModelAnswer, requireComplete } from './complete-answer.js';

const usage = { inputTokens: 10, outputTokens: 2 };
const rateLimits = { requests: { limit: 60 } };

function check(answer: Partial<ModelAnswer>, maxOutputTokens?: number): unknown {
  const whole: ModelAnswer = { text: 'Beca', end: undefined, usage, requestId: 'req_1', ...answer };
  try {
    return requireComplete({ rateLimits, ...whole }, { label: 'p/m', model: 'm', maxOutputTokens });
  } catch (thrown) {
    return thrown;
  }
}

describe('requireComplete', () => {
  test('accepts a complete answer', () => {
    expect(check({ end: 'complete' })).toBeUndefined();
    const toolCalls = [{ callId: 'c', tool: 'search', input: {} }];
    expect(check({ end: 'tool_calls', text: '', toolCalls })).toBeUndefined();
    // Ollama calls tools, and says that it stopped.
    expect(check({ end: 'complete', text: '', toolCalls })).toBeUndefined();
  });

  test.each([
    [{}, 'connection', 'p/m: the stream ended before the answer was complete'],
    [{ end: 'complete', refusal: 'No.' }, 'refused', 'p/m refused: No.'],
    [{ end: 'refused' }, 'refused', 'p/m refused to answer'],
    [{ end: 'filtered' }, 'refused', 'p/m: the content filter withheld the answer'],
    [{ end: 'failed' }, 'server_error', 'p/m: the answer failed'],
    [
      { end: 'unknown', reason: 'halted' },
      'server_error',
      'p/m: the answer ended for an unknown reason: "halted"',
    ],
    [
      { end: 'overloaded' },
      'overloaded',
      'p/m: the server had no capacity for the rest of the answer',
    ],
    [{ end: 'paused' }, 'truncated', 'p/m: the server paused before the answer was complete'],
    [{ end: 'complete', text: ' \n' }, 'server_error', 'p/m: the answer is empty'],
    [{ end: 'tool_calls' }, 'server_error', 'p/m: the answer ended to call a tool, but calls none'],
    [{ end: 'truncated' }, 'truncated', "p/m: the answer was cut off at the model's token limit"],
    [
      { end: 'context_full' },
      'truncated',
      "p/m: the answer was cut off at the end of the model's context window",
    ],
  ] as const)('rejects %j as %s', (answer, code, message) => {
    expect(check(answer)).toMatchObject({
      ...{ name: 'RunnerError', code, message },
      ...{ usage, model: 'm', requestId: 'req_1', rateLimits },
    });
  });

  test('names the limit that was set, and the model that answered', () => {
    expect(check({ end: 'truncated', model: 'm-2026' }, 200)).toMatchObject({
      message: 'p/m: the answer was cut off after 200 tokens; raise maxOutputTokens',
      model: 'm-2026',
    });
  });
});
