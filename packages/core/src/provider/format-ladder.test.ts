import { expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import { isFormRefusal } from './format-ladder.js';

const refusal = (message: string, status = 400) =>
  new RunnerError('invalid_request', `openai/m: ${status} ${message}`, { status });

test.each([
  ["Invalid schema for response_format 'answer': 'oneOf' is not permitted."],
  ['This model does not support response format `json_schema`.'],
  ['This response_format type is unavailable now'],
  ['The provided JSON schema contains features not supported by xgrammar.'],
  ['Grammar error: Unimplemented keys: ["format"]'],
  ['Failed to compile json grammar'],
  ['guided_json is not supported'],
  ['output_config.format.schema: too complex for compilation'],
  ['Unknown name "$defs" at \'generation_config.response_schema\': Cannot find field.'],
])('a server refuses the form of an answer with %j', (message) => {
  expect(isFormRefusal(refusal(message))).toBe(true);
  expect(isFormRefusal(refusal(message, 422))).toBe(true);
  expect(isFormRefusal(refusal(message, 404))).toBe(false);
});

test.each([
  [refusal('temperature must be at most 2')],
  [refusal("Invalid schema for function 'note': 'oneOf' is not permitted.")],
  [refusal('tools.0.custom.input_schema: JSON schema is invalid.')],
  [new RunnerError('server_error', 'the schema server died', { status: 400 })],
  [new Error('schema')],
])('%s is no such refusal', (thrown) => {
  expect(isFormRefusal(thrown)).toBe(false);
});
