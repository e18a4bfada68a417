import { expect, test } from 'vitest';
import { inputJson } from './tool-input.js';

test.each<[unknown, string]>([
  ['{"a":1}', '{"a":1}'],
  [{ a: 1 }, '{"a":1}'],
  ['"{\\"a\\":1}"', '{"a":1}'],
  ['"\\"{}\\""', '{}'],
  ['{"a":', '{}'],
  ['"text"', '{}'],
  ['[1]', '{}'],
  ['null', '{}'],
  ['', '{}'],
  [undefined, '{}'],
])('the history repeats the input %j as an object', (input, json) => {
  expect(inputJson(input)).toBe(json);
});
