import { OptionError } from '@stratagem/core';
import { expect, test } from 'vitest';
import { openai } from './openai.js';
import type { OpenAIOptions } from './options.js';

test.each([
  [{ api: 'completions' }, "openai(): api must be 'responses' or 'chat'; it is completions"],
  [
    { structuredOutput: 'yaml' },
    "openai(): structuredOutput must be 'json_schema', 'json_object' or 'prompt'; it is yaml",
  ],
  [{ temperature: 2.5 }, 'openai(): temperature must be a number from 0 to 2; it is 2.5'],
  [{ temperature: Number.NaN }, 'openai(): temperature must be a number ≥ 0; it is NaN'],
])('%j is an error', (options, message) => {
  const create = () => openai(options as OpenAIOptions);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});
