import { definitionOf } from '../contract/json-schema.js';
import type { Path } from '../contract/reference.js';
import { isRecord } from '../util/record.js';

/** A schema without references and unions, and the schema that its references are in. */
interface Part {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly root: Readonly<Record<string, unknown>>;
}

/** All that may be at a place in an output; an empty schema for a value that nothing is known of. */
export type Shape = readonly Part[];

/** A step of a path that leads nowhere, and the names that would lead on. */
export interface Missing {
  readonly step: string | number;
  readonly names: readonly string[];
}

/** Deeper unions and references are not followed: they may be endless. */
const MAX_DEPTH = 20;

export const ANYTHING: Shape = shapeOf({});
export const NUMBER = shapeOf({ type: 'integer' });

export function shapeOf(schema: unknown, root = schema, depth = 0): Shape {
  if (schema === false) return [];
  if (!isRecord(schema) || !isRecord(root) || depth > MAX_DEPTH) return [{ schema: {}, root: {} }];
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  const shapes = (given: unknown) => shapeOf(given, root, depth + 1);
  if ($ref !== undefined) return shapes(definitionOf($ref, root));
  const options = anyOf ?? oneOf;
  if (Array.isArray(options)) return options.flatMap(shapes);
  if (!Array.isArray(allOf)) return [{ schema: own, root }];
  // Fields of any part may be there; a part that is a union says nothing for sure.
  const parts = [own, ...allOf.flatMap((each) => shapes(each).map((part) => part.schema))];
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  return [{ schema: { ...Object.assign({}, ...parts), properties }, root }];
}

/** What JSON calls the kinds of values that a schema accepts; undefined for any. */
export function kindsOf({ schema }: Part): readonly string[] | undefined {
  const { type, properties, items } = schema;
  if (type !== undefined) {
    return [type].flat().map((each) => (each === 'integer' ? 'number' : `${each}`));
  }
  const values = valuesOf({ schema, root: schema });
  if (values !== undefined) return values.map(kindOf);
  if (isRecord(properties) && Object.keys(properties).length > 0) return ['object'];
  return items === undefined ? undefined : ['array'];
}

/** The only values that a schema accepts; undefined when there are others. */
export function valuesOf({ schema }: Part): readonly unknown[] | undefined {
  if (Array.isArray(schema.enum)) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  if (schema.type === 'boolean') return [true, false];
  return schema.type === 'null' ? [null] : undefined;
}

export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}

/** The items of a list. */
export function itemsOf(shape: Shape): Shape {
  return shape.flatMap((part) => stepInto(part, 0));
}

/** What a schema says about the value at a path. */
export function follow(shape: Shape, path: Path): Shape | Missing {
  let current = shape;
  for (const step of path) {
    const next = current.flatMap((part) => stepInto(part, step));
    if (next.length === 0) {
      const names = current.flatMap(({ schema }) => Object.keys(Object(schema.properties)));
      return { step, names };
    }
    current = next;
  }
  return current;
}

function stepInto(part: Part, step: string | number): Shape {
  const { schema, root } = part;
  const kinds = kindsOf(part);
  if (kinds === undefined) return ANYTHING;
  const shapes: Shape[] = [];
  const isIndex = typeof step === 'number' || /^\d+$/.test(step);
  if (kinds.includes('object')) shapes.push(propertyOf(schema, String(step), root));
  if (kinds.includes('array') && isIndex) {
    const { prefixItems, items, additionalItems } = schema;
    const first = Array.isArray(prefixItems) ? prefixItems : items;
    const rest = Array.isArray(prefixItems) ? items : additionalItems;
    const item = Array.isArray(first) && Number(step) >= first.length ? rest : first;
    shapes.push(shapeOf((Array.isArray(item) ? item[Number(step)] : item) ?? {}, root));
  }
  if (kinds.includes('string') && isIndex) shapes.push(shapeOf({ type: 'string' }));
  const hasLength = kinds.includes('array') || kinds.includes('string');
  if (hasLength && step === 'length') shapes.push(NUMBER);
  return shapes.flat();
}

/** A field that is not declared counts as missing, unless others are explicitly allowed. */
function propertyOf(schema: Part['schema'], name: string, root: Part['root']): Shape {
  const { properties, additionalProperties, patternProperties } = schema;
  if (isRecord(properties) && Object.hasOwn(properties, name))
    return shapeOf(properties[name], root);
  if (patternProperties !== undefined || additionalProperties === true) return ANYTHING;
  if (additionalProperties !== undefined) return shapeOf(additionalProperties, root);
  return isRecord(properties) ? [] : ANYTHING;
}
