import { z } from 'zod';
import { KINDS } from './expectation.js';

const expectationSchema = z
  .strictObject({
    output: z.string().min(1).optional(),
    equals: z.unknown().optional(),
    contains: z.unknown().optional(),
    matches: z.string().optional(),
    schema: z.record(z.string(), z.unknown()).optional(),
    judge: z.string().min(1).optional(),
    minScore: z.number().min(0).max(1).optional(),
    check: z.string().optional(),
  })
  .superRefine((given, context) => {
    const kinds = KINDS.filter((kind) => kind in given);
    if (kinds.length !== 1) {
      const message = `must have exactly one of ${KINDS.join(', ')}; it has ${kinds.join(', ') || 'none'}`;
      context.addIssue({ code: 'custom', message });
    }
    if (given.minScore !== undefined && given.judge === undefined) {
      context.addIssue({ code: 'custom', message: 'has minScore, which only a judge needs' });
    }
  });

/** A file of cases. */
export const documentSchema = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        inputs: z.record(z.string(), z.unknown()).optional(),
        expect: z.array(expectationSchema).min(1),
      }),
    )
    .min(1),
});
