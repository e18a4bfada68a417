import { expect, test } from 'vitest';
import { jsonText } from './json-text.js';

test('keeps the value, and contains no character that affects a terminal', () => {
  const value = { text: '\u001b[31m \u009b31m \u007f \u202e \r "quoted" 市場 😀' };
  const text = jsonText(value);
  expect(JSON.parse(text)).toEqual(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(text).toContain('市場 😀');
});
