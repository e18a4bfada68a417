import { expect, test } from 'vitest';
import { answerEndOf } from './answer-end.js';

test.each([
  ['complete', ['stop', 'STOP', 'eos', 'eos_token', 'end_turn', 'FINISH_REASON_STOP', 'completed']],
  ['tool_calls', ['tool_calls', 'tool-calls', 'tool_use', 'function_call', 'toolCalls']],
  ['truncated', ['length', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens', 'incomplete']],
  ['context_full', ['model_length', 'model_context_window_exceeded']],
  ['paused', ['pause_turn']],
  ['filtered', ['content_filter', 'content-filter', 'SAFETY', 'guardrail_intervened']],
  ['refused', ['refusal']],
  ['overloaded', ['insufficient_system_resource']],
  ['failed', ['error', 'abort', 'cancelled', 'MALFORMED_FUNCTION_CALL']],
  ['unknown', ['other', 'halted', 'constructor', '停止', 7, {}]],
  [undefined, ['', null, undefined, 'queued', 'in_progress', 'network_error']],
])('%s is the end of an answer with the reasons %j', (end, reasons) => {
  expect(reasons.map(answerEndOf)).toEqual(reasons.map(() => end));
});
