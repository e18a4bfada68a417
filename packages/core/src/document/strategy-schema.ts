import * as z from 'zod';
import { needs } from './messages.js';

const maxParallel = z
  .int(needs('an integer ≥ 1'))
  .min(1, 'must be an integer ≥ 1')
  .describe('The maximum number of tasks that run at once.');

/** The strategies with their options. */
export const strategyObjects = [
  z.strictObject({ name: z.literal('sequential') }),
  z.strictObject({
    name: z.literal('parallel'),
    maxParallel: maxParallel.optional(),
    levelBarrier: z
      .boolean(needs('true or false'))
      .describe('Run level by level: no task starts before all of the lower levels ended.')
      .optional(),
  }),
  z.strictObject({
    name: z.literal('adaptive'),
    maxParallel: maxParallel.optional(),
    adaptiveThreshold: z
      .number(needs('a number > 0 and ≤ 1'))
      .gt(0, 'must be > 0')
      .max(1, 'must be ≤ 1')
      .describe('The share of the possible gain that more parallel tasks must bring.')
      .optional(),
  }),
] as const;

export const STRATEGIES: readonly string[] = strategyObjects.map(
  (option) => option.shape.name.value,
);

export const strategySchema = z.union(
  [z.enum(['sequential', 'parallel', 'adaptive']), z.discriminatedUnion('name', strategyObjects)],
  needs('sequential, parallel, adaptive, or an object with a name and options'),
);

/** A built-in strategy and its options, as data. */
export type StrategySpec = Exclude<z.infer<typeof strategySchema>, string>;
