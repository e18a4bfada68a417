import { OptionError } from '@stratagem/core';
import { expect, test } from 'vitest';
import { anthropic } from './anthropic.js';
import type { AnthropicOptions } from './options.js';

test.each([
  [{ temperature: 1 }, 'anthropic() has no option "temperature". It takes model, apiKey,'],
  [
    { structuredOutput: 'yaml' },
    "anthropic(): structuredOutput must be 'json_schema', 'tool' or 'prompt'; it is yaml",
  ],
  [{ cachePrompts: 'yes' }, 'anthropic(): cachePrompts must be true or false; it is yes'],
])('%j is an error', (options, message) => {
  const create = () => anthropic(options as AnthropicOptions);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});
