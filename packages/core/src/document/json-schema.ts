import * as z from 'zod';
import { planDocumentSchema } from './schema.js';

/** Where editors find the JSON Schema of the newest release. */
export const PLAN_SCHEMA_URL = 'https://unpkg.com/@stratagem/core/schema/plan.schema.json';

/** The JSON Schema of a plan file, for editors; the package has it as `plan.schema.json`. */
export function planJsonSchema(): object {
  return {
    $id: PLAN_SCHEMA_URL,
    ...z.toJSONSchema(planDocumentSchema, { target: 'draft-7', io: 'input' }),
    title: 'Stratagem plan',
  };
}
