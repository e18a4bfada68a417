import * as z from 'zod';
import { OPERATORS } from '../contract/condition.js';
import { ON_EXHAUSTED } from '../contract/repeat.js';
import { COMMAND_OUTPUTS } from '../contract/step.js';
import { WAIT_KINDS } from '../contract/wait-for.js';
import { count, milliseconds } from './settings-schema.js';

// These schemas are for editors and types. Problems with their values are reported by the checks that
// plans written in code go through, too.

const operator = z.enum(OPERATORS).describe('`matches` takes a regular expression.');

export const conditionSchema = z
  .union([
    z.strictObject({
      path: z.string().describe('A dependency and a path in its output, like triage.kind.'),
      operator,
      value: z.unknown(),
    }),
    z.strictObject({
      get all(): z.ZodArray<z.ZodType> {
        return z.array(conditionSchema);
      },
    }),
    z.strictObject({
      get any(): z.ZodArray<z.ZodType> {
        return z.array(conditionSchema);
      },
    }),
    z.strictObject({
      get not(): z.ZodType {
        return conditionSchema;
      },
    }),
  ])
  .meta({ id: 'condition' });

const forEachLimits = {
  maxItems: count
    .describe('The maximum number of items; 1000 by default, and none for the rows of a file.')
    .optional(),
  minSuccess: z
    .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?%$/)])
    .describe('How many items must succeed, as a number or a percentage like 80%; all by default.')
    .optional(),
};

export const forEachSchema = z.union([
  z.string().describe('The list, like gather.documents.'),
  z.strictObject({
    items: z.string().describe('The list, like gather.documents.'),
    ...forEachLimits,
  }),
  z.strictObject({
    file: z
      .string()
      .min(1)
      .describe(
        'A file whose rows are the items, like ./reviews.jsonl: CSV, TSV, JSON Lines or JSON. Rows are read while the plan runs.',
      ),
    ...forEachLimits,
  }),
]);

export const repeatSchema = z.strictObject({
  until: conditionSchema.describe(
    'Ends the loop when it holds after an iteration. The id of the task is the output of the iteration; subtasks, `previous` and `iteration` are known as well.',
  ),
  maxIterations: count
    .describe('The maximum number of iterations, the first one included; 5 by default.')
    .optional(),
  onExhausted: z
    .enum(ON_EXHAUSTED)
    .describe(
      'What happens when the condition does not hold after the last iteration: complete with its output (the default), or fail.',
    )
    .optional(),
});

export const waitForSchema = z.union([
  z.enum(WAIT_KINDS),
  z.strictObject({
    kind: z.enum(WAIT_KINDS),
    timeoutMs: milliseconds.describe('How long to wait, in milliseconds.').optional(),
    default: z.unknown().describe('The answer after the timeout.').optional(),
  }),
]);

const argv = z
  .array(z.string())
  .min(1)
  .describe('The program, then its arguments; each argument may have references.');

export const commandSchema = z.union([
  argv,
  z.strictObject({
    argv,
    cwd: z.string().describe('The directory to run in.').optional(),
    env: z
      .record(z.string(), z.string())
      .describe('Environment variables, such as { TOKEN: "{{inputs.token}}" }.')
      .optional(),
    stdin: z.string().describe('What the program reads: {{gather}} as JSON.').optional(),
    output: z
      .enum(COMMAND_OUTPUTS)
      .describe('How its standard output is read; text by default.')
      .optional(),
  }),
]);

const criterionSchema = z.strictObject({
  name: z.string().optional(),
  path: z.string().describe('Like outputs.report.score or metrics.completedTasks.').optional(),
  count: z.string().describe('Counts the values in all outputs, like outputs.*.papers.').optional(),
  operator,
  value: z.unknown(),
  weight: z.number().positive().optional(),
});

export const goalStateSchema = z.strictObject({
  description: z.string().describe('The goal in words, for messages.').optional(),
  criteria: z.array(criterionSchema).min(1),
  threshold: z
    .number()
    .positive()
    .max(1)
    .describe('The share of the criteria, by weight, that must be met.')
    .optional(),
  whenAchieved: z
    .enum(['finish', 'abort'])
    .describe('Whether running tasks finish or are aborted.')
    .optional(),
});
