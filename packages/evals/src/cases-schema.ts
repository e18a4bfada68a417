import { z } from 'zod';
import { KINDS } from './expectation.js';

function needs(what: string) {
  return { error: `must be ${what}` };
}

const text = z.string(needs('a text'));
const nonEmpty = text.min(1, 'must not be empty');
const SCORE = 'must be a number from 0 to 1';

const expectationSchema = z
  .strictObject(
    {
      output: nonEmpty.optional(),
      equals: z.unknown().optional(),
      contains: z.unknown().optional(),
      matches: text.optional(),
      schema: z.record(z.string(), z.unknown(), needs('a JSON Schema')).optional(),
      judge: nonEmpty.optional(),
      minScore: z.number(SCORE).min(0, SCORE).max(1, SCORE).optional(),
      check: text.optional(),
    },
    needs('an expectation, like { contains: Apple }'),
  )
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
export const documentSchema = z.strictObject(
  {
    cases: z
      .array(
        z.strictObject(
          {
            name: nonEmpty,
            inputs: z
              .record(z.string(), z.unknown(), needs('an object, like { company: Apple }'))
              .optional(),
            expect: z
              .array(expectationSchema, needs('a list, like [{ contains: Apple }]'))
              .min(1, 'must have at least one expectation, like { contains: Apple }'),
          },
          needs('a case, like { name: apple, expect: [{ contains: Apple }] }'),
        ),
        needs('a list of cases'),
      )
      .min(1, 'must have at least one case'),
  },
  needs(
    'an object, like { cases: [{ name: apple, inputs: { company: Apple }, expect: [{ contains: Apple }] }] }',
  ),
);
