import { expect, test } from 'vitest';
import { inputJson, replayedName } from './tool-input.js';

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

test.each<[unknown, string]>([
  ['look-up_1', 'look-up_1'],
  ['functions.look up', 'functions_look_up'],
  ['x'.repeat(70), 'x'.repeat(64)],
  ['', 'unknown'],
  [null, 'unknown'],
])('the history repeats the name %j as %s', (name, replayed) => {
  expect(replayedName(name)).toBe(replayed);
});
