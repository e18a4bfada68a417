import { resolveReference } from '../contract/schema.js';

type JsonSchema = Readonly<Record<string, unknown>>;
type ObjectSchema = JsonSchema & { readonly type: 'object' };

/** Keywords that describe how the schemas of a root are combined. */
const COMBINING = ['$ref', 'anyOf', 'oneOf', 'allOf'] as const;

/**
 * The schema of a tool's input as providers accept it: one object at the root. They refuse unions,
 * intersections and references there. The fields of a union become the fields of one object, with those
 * required that all of its members require. The tool itself validates the input with its real schema.
 *
 * @example
 * toolParametersOf({ anyOf: [{ type: 'object', properties: { a: {} } }, { type: 'object' }] });
 * // { type: 'object', properties: { a: {} } }
 */
export function toolParametersOf(inputSchema: JsonSchema): ObjectSchema {
  if (!COMBINING.some((keyword) => keyword in inputSchema)) {
    return { ...inputSchema, type: 'object' };
  }
  return { ...folded(inputSchema, inputSchema, new Map()), type: 'object' };
}

/** @param known The schemas that references stand for; a reference may lead back to itself. */
function folded(schema: JsonSchema, root: JsonSchema, known: Map<unknown, JsonSchema>): JsonSchema {
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  const fold = (part: unknown) => folded(Object(part), root, known);
  if ($ref !== undefined && !known.has($ref)) {
    known.set($ref, {});
    known.set($ref, fold(resolveReference($ref, root)));
  }
  const members = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? [list.map(fold)] : []));
  const whole = [
    ...($ref === undefined ? [] : [known.get($ref) ?? {}]),
    ...(Array.isArray(allOf) ? allOf.map(fold) : []),
    ...members.map(unionOf),
  ];
  return whole.reduce(intersectionOf, own);
}

/** An object with the fields of all schemas. */
function intersectionOf(first: JsonSchema, second: JsonSchema): JsonSchema {
  const { properties, required, additionalProperties: _, ...others } = second;
  return {
    ...others,
    ...first,
    ...joined(first, { properties }, (a, b) => ({ allOf: [a, b] })),
    ...requiredOf([...new Set([...namesIn(first.required), ...namesIn(required)])]),
  };
}

function unionOf(members: readonly JsonSchema[]): JsonSchema {
  const [first = {}, ...others] = members;
  const required = others.reduce(
    (names, member) => names.filter((name) => namesIn(member.required).includes(name)),
    namesIn(first.required),
  );
  const { properties } = others.reduce<JsonSchema>(
    (union, member) => joined(union, member, eitherOf),
    first,
  );
  const forms = members.map(({ properties }) => Object.keys(Object(properties)).join(', '));
  return {
    type: 'object',
    description: `One of these sets of fields: ${forms.map((form) => `{ ${form} }`).join(' | ')}`,
    ...(properties !== undefined && { properties }),
    ...requiredOf(required),
    ...(members.every(({ additionalProperties }) => additionalProperties === false) && {
      additionalProperties: false,
    }),
  };
}

/** The properties of both; `join` makes one schema of two for the same property. */
function joined(
  first: JsonSchema,
  second: JsonSchema,
  join: (first: unknown, second: unknown) => unknown,
): JsonSchema {
  const properties = new Map(Object.entries(Object(first.properties)));
  for (const [name, schema] of Object.entries(Object(second.properties))) {
    const known = properties.get(name);
    const isSame = known !== undefined && JSON.stringify(known) === JSON.stringify(schema);
    if (known === undefined) properties.set(name, schema);
    else if (!isSame) properties.set(name, join(known, schema));
  }
  return properties.size === 0 ? {} : { properties: Object.fromEntries(properties) };
}

/** Texts that tell the members of a union apart become one list. */
function eitherOf(first: unknown, second: unknown): unknown {
  const values = [...literalsOf(first), ...literalsOf(second)];
  const isList = literalsOf(first).length > 0 && literalsOf(second).length > 0;
  if (isList && values.every((value) => typeof value === 'string')) {
    return { type: 'string', enum: [...new Set(values)] };
  }
  const { anyOf } = Object(first) as { anyOf?: unknown };
  const isUnion = Array.isArray(anyOf) && Object.keys(Object(first)).length === 1;
  return { anyOf: [...(isUnion ? anyOf : [first]), second] };
}

function literalsOf(schema: unknown): readonly unknown[] {
  const { const: only, enum: list } = Object(schema) as { const?: unknown; enum?: unknown };
  if (Array.isArray(list)) return list;
  return only === undefined ? [] : [only];
}

function namesIn(required: unknown): readonly unknown[] {
  return Array.isArray(required) ? required : [];
}

function requiredOf(names: readonly unknown[]): JsonSchema {
  return names.length === 0 ? {} : { required: names };
}
