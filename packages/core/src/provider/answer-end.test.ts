import { expect, test } from 'vitest';
import { answerEndOf } from './answer-end.js';

test.each([
  ['complete', ['stop', 'STOP', 'eos', 'eos_token', 'end_turn', 'FINISH_REASON_STOP', 'completed']],
  ['complete', ['stop_sequences', 'stop_str_found', { type: 'stop', matched: 2 }]],
  ['complete', ['endoftext', '<|eot|>', 'eosFound', 'stop_word', 'FINISHED', 'normal']],
  ['tool_calls', ['tool_calls', 'tool-calls', 'tool_use', 'function_call', 'toolCalls']],
  ['truncated', ['length', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens', 'incomplete']],
  [
    'truncated',
    ['time_limit', 'maxPredictedTokensReached', 'length_limit', 'repetition_truncation'],
  ],
  ['context_full', ['contextLengthReached', 'model_length', 'model_context_window_exceeded']],
  ['paused', ['pause_turn']],
  ['filtered', ['content_filter', 'content-filter', 'SAFETY', 'guardrail_intervened']],
  ['filtered', ['IMAGE_PROHIBITED_CONTENT', 'risk_control', 'blocked']],
  ['refused', ['refusal']],
  ['overloaded', ['insufficient_system_resource']],
  ['failed', ['error', 'abort', 'cancelled', 'MALFORMED_FUNCTION_CALL']],
  ['failed', ['TIMEOUT', 'UNEXPECTED_TOOL_CALL', 'malformed_tool_use', 'modelUnloaded']],
  ['unknown', ['other', 'halted', 'constructor', '停止', 7, {}]],
  [undefined, ['', null, undefined, 'None', 'queued', 'in_progress', 'network_error']],
  [undefined, ['not_finished', 'FINISH_REASON_UNSPECIFIED', 'pending', 'interrupted']],
])('%s is the end of an answer with the reasons %j', (end, reasons) => {
  expect(reasons.map(answerEndOf)).toEqual(reasons.map(() => end));
});
