import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../pages.js';
import { table } from '../tables.js';

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** The reference of plan files, from their JSON Schema. */
export function planFileReference(): string {
  const file = join(root, 'packages/core/schema/plan.schema.json');
  const schema: Schema = JSON.parse(readFileSync(file, 'utf8'));
  const definitions = Object.entries(schema.definitions ?? {}).filter(
    ([name, { properties }]) => properties !== undefined && !name.startsWith('__'),
  );
  return `# Plan files

A plan file is YAML or JSON. It can say everything that data can say; functions and schemas of libraries need code. Made
from the JSON Schema that editors use: begin a file with this line, and they complete and check every field.

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/@stratagem/core/schema/plan.schema.json
goal: Say hello
tasks:
  - id: hello
    description: Say hello in three languages.
\`\`\`

\`stratagem validate plan.yaml\` lists every problem with its line, and an unknown field is a problem.

## The plan

${fields(schema)}

${definitions.map(([name, each]) => `## \`${name}\`\n\n${each.description ? `${each.description}\n\n` : ''}${fields(each)}`).join('\n\n')}

## \`condition\`

One comparison, with \`path\` (a dependency and a path in its output), \`operator\` and \`value\`:
\`{ path: triage.kind, operator: ==, value: bug }\`. Or a combination of conditions: \`all\` and \`any\` take a list, \`not\` takes
one. See [Decisions](../control-flow.md#decisions).
`;
}

function fields({ properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(([name, each]) => [
    `\`${name}\`${required.includes(name) ? ' (required)' : ''}`,
    meaningOf(each),
    typeOf(each),
  ]);
  return table(['field', 'meaning', 'value'], rows);
}

/** The descriptions of the fields of an object are below that of the object itself. */
function meaningOf(schema: Schema): string {
  const own = schema.description ?? '';
  const inner = schema.properties ?? schema.items?.properties ?? recordOf(schema)?.properties;
  const parts = Object.entries(inner ?? {})
    .filter(([, { description }]) => description)
    .map(([name, { description }]) => `\`${name}\`: ${description}`);
  return [own, ...parts].filter((text) => text !== '').join(' ');
}

function recordOf({ additionalProperties: other }: Schema): Schema | undefined {
  return typeof other === 'object' && Object.keys(other).length > 0 ? other : undefined;
}

function typeOf(schema: Schema, depth = 0): string {
  const { anyOf, oneOf, allOf, enum: values, properties, items, $ref } = schema;
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1) as string;
    if (name === '#') return '[a plan](#the-plan)';
    return `[\`${name}\`](#${name.toLowerCase()})`;
  }
  const choices = anyOf ?? oneOf ?? allOf;
  if (choices !== undefined)
    return [...new Set(choices.map((each) => typeOf(each, depth)))].join(' or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (values !== undefined) return values.map((each) => `\`${each}\``).join(', ');
  if (items !== undefined && schema.type === 'array') return `list of ${typeOf(items, depth + 1)}`;
  if (properties !== undefined) {
    if (depth > 1) return 'object';
    return `object with ${Object.keys(properties)
      .map((name) => `\`${name}\``)
      .join(', ')}`;
  }
  const record = recordOf(schema);
  if (record !== undefined) return `names with ${typeOf(record, depth + 1)}`;
  if (schema.exclusiveMinimum === 0) return 'number > 0';
  if ((schema.minimum ?? Number.MIN_SAFE_INTEGER) > Number.MIN_SAFE_INTEGER)
    return `${schema.type} ≥ ${schema.minimum}`;
  return Array.isArray(schema.type) ? schema.type.join(' or ') : ((schema.type as string) ?? 'any');
}
