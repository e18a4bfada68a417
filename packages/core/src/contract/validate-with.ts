import type { JsonSchema } from './json-schema.js';
import {
  type AnySchema,
  isStandardSchema,
  type SchemaResult,
  type StandardSchema,
} from './schema.js';

/** Validates a value. The validation of plain JSON Schema is loaded when it is needed. */
export function validateWith(
  schema: AnySchema,
  value: unknown,
): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
  return isStandardSchema(schema)
    ? schema['~standard'].validate(value)
    : validateJson(schema, value);
}

const compiled = new WeakMap<JsonSchema, StandardSchema['~standard']['validate']>();

async function validateJson(schema: JsonSchema, value: unknown): Promise<SchemaResult<unknown>> {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    const { compileJsonSchema } = await import('./compile-json-schema.js');
    validate = compileJsonSchema(schema);
    compiled.set(schema, validate);
  }
  return validate(value);
}
