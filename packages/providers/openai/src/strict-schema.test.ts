import { expect, test } from 'vitest';
import * as z from 'zod';
import { foldedForStrict } from './strict-schema.js';

const object = (properties: Record<string, unknown>, more = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
const field = (schema: unknown) => foldedForStrict(object({ a: schema }))?.properties.a;

test.each([
  ['a format beyond the list', { type: 'string', format: 'uri' }, 'format: uri'],
  ['a look-ahead', { type: 'string', pattern: '^(?=a)' }, 'pattern: ^(?=a)'],
  ['a back-reference', { type: 'string', pattern: '(a)\\1' }, 'pattern: (a)\\1'],
  ['a look-behind', { type: 'string', pattern: '(?<!a)b' }, 'pattern: (?<!a)b'],
])('%s moves into the description', (_, schema, note) => {
  expect(field(schema)).toEqual({ type: 'string', description: note });
  expect(field({ ...schema, description: 'Where.' })).toMatchObject({
    description: `Where.; ${note}`,
  });
});

test.each([
  [
    { type: 'string', format: 'date', pattern: '(?:a|b)' },
    { type: 'string', format: 'date', pattern: '(?:a|b)' },
  ],
  [
    { type: 'string', default: 'x', examples: ['y'], title: 'T' },
    { type: 'string', title: 'T' },
  ],
  [{ $ref: '#/$defs/b', description: 'A b.', default: 1 }, { $ref: '#/$defs/b' }],
  [
    { anyOf: [{ type: 'string', format: 'uri' }, { type: 'null' }] },
    { anyOf: [{ type: 'string', description: 'format: uri' }, { type: 'null' }] },
  ],
  [{ type: 'string', nullable: true, 'x-order': 1 }, { type: 'string' }],
  [{ const: 'x' }, { type: 'string', const: 'x' }],
  [{ enum: ['a', 1, null] }, { type: ['string', 'integer', 'null'], enum: ['a', 1, null] }],
  [object({ default: { type: 'string', default: 'x' } }), object({ default: { type: 'string' } })],
])('%j becomes %j', (schema, folded) => {
  expect(field(schema)).toEqual(folded);
});

test.each<[string, unknown]>([
  ['a field of any type', {}],
  ['a described field of any type', { description: 'Anything.' }],
  ['an object with any fields', { type: 'object' }],
  ['a list of any type', { type: 'array', items: {} }],
  ['a condition beside a reference', { $ref: '#/$defs/b', minLength: 2 }],
  ['too many values in one list', { enum: Array.from({ length: 1_001 }, (_, n) => `v${n}`) }],
  ['too long a list of values', { enum: Array.from({ length: 251 }, (_, n) => `${n}`.padEnd(60)) }],
  [
    'too deep a nesting',
    Array.from({ length: 11 }).reduce((a) => object({ a }), { type: 'string' }),
  ],
  ['an object as the value', { const: { b: 1 } }],
  ['an empty list of values', { enum: [] }],
  ['true', true],
])('%s cannot be strict', (_, schema) => {
  expect(field(schema)).toBeUndefined();
});

test('the limits count over the whole schema', () => {
  const half = { enum: Array.from({ length: 600 }, (_, position) => `${position}`) };
  expect(foldedForStrict(object({ a: half }))).toBeDefined();
  expect(foldedForStrict(object({ a: half, b: half }))).toBeUndefined();
});

test('definitions are folded too', () => {
  const schema = z.object({ url: z.url() }).meta({ id: 'link' });
  const json = z.toJSONSchema(z.object({ first: schema, second: schema }));
  expect(foldedForStrict(json)).toMatchObject({
    $defs: { link: { properties: { url: { type: 'string', description: 'format: uri' } } } },
  });
});
