import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { isPlain } from './value.js';

/** A JSON Schema as plain data: draft 2020-12 or 7. */
export type JsonSchema = Readonly<Record<string, unknown>> | JsonSchemaKeywords;

/** For types of JSON Schema that other packages declare as interfaces. */
interface JsonSchemaKeywords {
  readonly type?: unknown | undefined;
  readonly properties?: unknown | undefined;
  readonly items?: unknown | undefined;
  readonly enum?: unknown | undefined;
  readonly const?: unknown | undefined;
  readonly anyOf?: unknown | undefined;
  readonly oneOf?: unknown | undefined;
  readonly allOf?: unknown | undefined;
  readonly $ref?: unknown | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
/** Keywords that hold a record of schemas, or a schema or a list of them. */
const RECORDS = ['properties', 'patternProperties', '$defs', 'definitions'];
const INNER = ['anyOf', 'oneOf', 'allOf', 'items', 'prefixItems', 'additionalProperties'].concat(
  'additionalItems',
  'propertyNames',
  'contains',
);
const ROOT_KEYWORDS = ['type', 'enum', 'const', '$ref', 'not', ...RECORDS, ...INNER];
/** Keywords that the validation does not know; to ignore them would accept wrong values. */
const UNSUPPORTED = ['if', 'then', 'else', 'dependentSchemas', 'dependentRequired'].concat(
  'unevaluatedItems',
  'unevaluatedProperties',
);
const MAX_DEPTH = 100;

/** The problem of a value that should be a JSON Schema which values can be validated with. */
export function jsonSchemaProblem(schema: unknown): string | undefined {
  if (isPlainRecord(schema)) {
    const keywords = Object.keys(schema);
    const isKnown = keywords.length === 0 || ROOT_KEYWORDS.some((key) => keywords.includes(key));
    if (isKnown) return problemIn(schema, '', schema, 0);
  }
  return (
    'must be a schema of a Standard Schema library, such as zod, valibot or arktype, or a JSON ' +
    'Schema like { type: "object", properties: { … } }'
  );
}

function problemIn(schema: unknown, at: string, root: Fields, depth: number): string | undefined {
  const fail = (why: string) => `is not a supported JSON Schema: ${at}${at && ': '}${why}`;
  if (typeof schema === 'boolean') return undefined;
  if (!isPlainRecord(schema)) return fail('must be a JSON Schema');
  if (depth > MAX_DEPTH) return fail(`is nested deeper than ${MAX_DEPTH}`);
  const { type, $ref, not, pattern } = schema;
  for (const each of Array.isArray(type) ? type : [type]) {
    if (each === undefined || TYPES.includes(each)) continue;
    const advice = didYouMean(`${each}`, TYPES) || ` Types are ${TYPES.join(', ')}.`;
    return fail(`there is no type "${each}".${advice}`);
  }
  if ($ref !== undefined && definitionOf($ref, root) === undefined) {
    return fail(`$ref must name a schema in $defs, like "#/$defs/item"; it is "${$ref}"`);
  }
  if (pattern !== undefined && !isPattern(pattern)) return fail(`invalid pattern "${pattern}"`);
  const unknown = UNSUPPORTED.find((key) => schema[key] !== undefined);
  if (unknown !== undefined) return fail(`"${unknown}" is not supported`);
  if (not !== undefined && !(isPlainRecord(not) && Object.keys(not).length === 0)) {
    return fail('"not" is not supported');
  }
  for (const key of RECORDS.concat(INNER)) {
    const inner = schema[key];
    if (inner === undefined) continue;
    const isMany = RECORDS.includes(key) || Array.isArray(inner);
    for (const [name, each] of isMany ? Object.entries(Object(inner)) : [['', inner]]) {
      const place = `${at}${at && '.'}${key}${isMany ? `.${name}` : ''}`;
      const problem = problemIn(each, place, root, depth + 1);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** The schema that a `$ref` names: the whole one, or one of its definitions. */
export function definitionOf($ref: unknown, root: Fields): unknown {
  if ($ref === '#') return root;
  const [, list, name] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(`${$ref}`) ?? [];
  const key = name?.replaceAll('~1', '/').replaceAll('~0', '~');
  const definitions = list === undefined ? undefined : root[list];
  return isPlainRecord(definitions) && key !== undefined && Object.hasOwn(definitions, key)
    ? definitions[key]
    : undefined;
}

function isPattern(pattern: unknown): boolean {
  try {
    return new RegExp(pattern as string) !== undefined;
  } catch {
    return false;
  }
}

/** Whether a value is a record, and no instance of a class. */
function isPlainRecord(value: unknown): value is Fields {
  return isRecord(value) && isPlain(value);
}
