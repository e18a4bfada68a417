import * as z from 'zod';
import type { JsonSchema } from './json-schema.js';
import type { StandardSchema } from './schema.js';

/**
 * The validation of a JSON Schema.
 *
 * @throws {Error} when it has keywords that cannot be validated.
 */
export function compileJsonSchema(json: JsonSchema): StandardSchema['~standard']['validate'] {
  const isOld = 'definitions' in json && !('$defs' in json);
  const schema = z.fromJSONSchema(json as never, {
    defaultTarget: isOld ? 'draft-7' : 'draft-2020-12',
    // The global one refuses ids that occur twice.
    registry: z.registry(),
  });
  return schema['~standard'].validate;
}
