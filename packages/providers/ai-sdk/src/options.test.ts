import { MockEmbeddingModelV4 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import { mockOf } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';
import type { AiSdkOptions } from './options.js';

test.each([undefined, null, '', 7, {}, new MockEmbeddingModelV4()])(
  '%s is not a model',
  (model) => {
    expect(() => aiSdk(model as never)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining('aiSdk() takes a language model of the AI SDK'),
      }),
    );
  },
);

describe('an option that is out of range is an error:', () => {
  test.each([
    [
      { instruction: 'Be brief.' },
      'aiSdk() has no option "instruction". Did you mean "instructions"?',
    ],
    [{ model: 'gpt-6.1-sol' }, 'aiSdk() has no option "model".'],
    [{ instructions: '' }, 'aiSdk(): instructions must be a non-empty string'],
    [{ temperature: -1 }, 'aiSdk(): temperature must be a number ≥ 0; it is -1'],
    [{ temperature: Number.NaN }, 'aiSdk(): temperature must be a number ≥ 0; it is NaN'],
    [{ temperature: '1' }, 'aiSdk(): temperature must be a number ≥ 0; it is 1'],
    [{ maxOutputTokens: 0 }, 'aiSdk(): maxOutputTokens must be an integer ≥ 1'],
    [{ maxSteps: 0 }, 'aiSdk(): maxSteps must be an integer ≥ 1 or Infinity'],
    [{ timeoutMs: 0 }, 'aiSdk(): timeoutMs must be a positive number of milliseconds'],
    [{ providerOptions: 'low' }, "aiSdk(): providerOptions must be objects by the provider's name"],
    [
      { providerOptions: { openai: 'low' } },
      "providerOptions must be objects by the provider's name",
    ],
    [{ secrets: 'sk-planted' }, 'aiSdk(): secrets must be a list of strings'],
    [{ secrets: [7] }, 'aiSdk(): secrets must be a list of strings'],
  ])('%j', (options, message) => {
    const make = () => aiSdk(mockOf({}), options as AiSdkOptions);
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    expect(make).toThrow(message);
    expect(make).not.toThrow('sk-planted');
  });
});

test('the options must be an object', () => {
  expect(() => aiSdk(mockOf({}), 'fast' as never)).toThrow('aiSdk() takes an object of options');
});
