import * as z from 'zod';
import { planDocumentSchema } from './schema.js';

/** The JSON Schema of a plan file, for editors; the package has it as `plan.schema.json`. */
export function planJsonSchema(): object {
  return {
    ...z.toJSONSchema(planDocumentSchema, { target: 'draft-7', io: 'input' }),
    title: 'Stratagem plan',
  };
}
