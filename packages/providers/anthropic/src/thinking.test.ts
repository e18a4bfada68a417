import { expect, test } from 'vitest';
import { thinkingOf } from './thinking.js';

test.each([
  ['claude-3-7-sonnet-20250219', { type: 'enabled', budget_tokens: 9_600 }],
  ['claude-sonnet-4-20250514', { type: 'enabled', budget_tokens: 9_600 }],
  ['claude-opus-4-5-20251101', { type: 'enabled', budget_tokens: 9_600 }],
  ['anthropic/claude-sonnet-4.5', { type: 'enabled', budget_tokens: 9_600 }],
  ['claude-opus-4-6', { type: 'adaptive' }],
  ['claude-sonnet-5', { type: 'adaptive' }],
  ['claude-haiku-5-5', { type: 'adaptive' }],
  ['a-model', { type: 'adaptive' }],
])('the model %s thinks with %j', (model, thinking) => {
  expect(thinkingOf({ reasoning: 'medium' }, model, model)).toMatchObject({ thinking });
});

test('a budget is at least what the API takes, and less than the limit of the answer', () => {
  const budgetOf = (maxOutputTokens: number) =>
    thinkingOf({ reasoning: 'low', maxOutputTokens }, 'claude-sonnet-4-5', 'm').thinking;
  expect(budgetOf(4_000)).toEqual({ type: 'enabled', budget_tokens: 1_024 });
  expect(() => budgetOf(1_000)).toThrow('raise maxOutputTokens');
});

test('without reasoning, nothing is said about thinking', () => {
  expect(thinkingOf({}, 'claude-sonnet-5', 'm')).toEqual({});
});
