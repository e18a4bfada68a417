import { expect, test } from 'vitest';
import { eventLine } from './event-line.js';

test('an exceeded budget names its limit, and its resource if it has one', () => {
  const event = {
    ...({ type: 'budget_exceeded', sequence: 1, timestamp: 0, taskId: 'a' } as const),
    ...({ budget: 'tokens', limit: 500, used: 480, requested: 40 } as const),
  };
  expect(eventLine(event, 0)?.text).toBe('Budget used up: tokens is limited to 500');
  expect(eventLine({ ...event, resource: 'openai/gpt-5' }, 0)?.text).toBe(
    'Budget used up: tokens of openai/gpt-5 is limited to 500',
  );
});
