import * as z from 'zod';
import { ATTEMPT_ERROR_CODES } from '../contract/errors.js';
import { needs } from './messages.js';

export const estimateSchema = z.strictObject(
  {
    durationMs: z
      .number(needs('a number of milliseconds'))
      .min(0, 'must be ≥ 0')
      .describe('Expected duration in milliseconds.')
      .optional(),
    tokens: z
      .number(needs('a number of tokens'))
      .min(0, 'must be ≥ 0')
      .describe('Expected tokens, read and written together.')
      .optional(),
    costUsd: z
      .number(needs('a number of US dollars'))
      .min(0, 'must be ≥ 0')
      .describe('Expected cost in US dollars.')
      .optional(),
  },
  needs('an object like { durationMs: 2000 }'),
);

// The following schemas are for editors and types. Problems with their values are reported by the
// checks that plans written in code go through, too.

export const milliseconds = z.number().positive();
export const count = z.int().min(1);

export const IDLE_TIMEOUT =
  'How long an attempt may go without text and without a step or call of a tool, in milliseconds.';

export const retrySchema = z
  .strictObject({
    maxAttempts: count
      .describe('The maximum number of attempts, the first included; 3 by default.')
      .optional(),
    initialDelayMs: z
      .number()
      .min(0)
      .describe('The longest wait before the second attempt; 500 by default.')
      .optional(),
    maxDelayMs: z
      .number()
      .min(0)
      .describe('The longest wait before any attempt; 30000 by default.')
      .optional(),
    maxRetryAfterMs: z
      .number()
      .min(0)
      .describe(
        'The longest wait that a server may ask for; by default the time until the deadline, or 600000 without one.',
      )
      .optional(),
    factor: z
      .number()
      .min(1)
      .describe('The factor by which the longest wait grows from attempt to attempt; 2 by default.')
      .optional(),
    on: z
      .array(z.enum(ATTEMPT_ERROR_CODES))
      .describe('The errors after which to try again; transient errors by default.')
      .optional(),
  })
  .meta({ id: 'retry' });

const amounts = {
  tokens: count.describe('Tokens, read and written together.').optional(),
  costUsd: z.number().positive().describe('US dollars; needs known prices.').optional(),
};

export const budgetSchema = z.strictObject({
  ...amounts,
  tasks: count.describe('The number of tasks that start.').optional(),
  wallTimeMs: milliseconds.describe('Milliseconds after which nothing more starts.').optional(),
  resources: z
    .record(z.string(), z.strictObject(amounts))
    .describe('Budgets of single resources: by the name of a model profile, or as openai/gpt-5.')
    .optional(),
});
