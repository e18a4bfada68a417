import { expect, test } from 'vitest';
import * as z from 'zod';
import { jsonSchemaOf } from '../contract/schema.js';
import { tool } from '../contract/tool.js';
import { toolParametersOf } from './tool-schema.js';

const parametersOf = (schema: z.ZodType) => toolParametersOf(jsonSchemaOf(schema, 'input') ?? {});
const text = { type: 'string' };

test('an object stays as it is', () => {
  const schema = z.object({ a: z.string(), b: z.union([z.string(), z.number()]) });
  expect(parametersOf(schema)).toEqual(jsonSchemaOf(schema, 'input'));
});

test.each([
  ['a union', z.union],
  ['a union with a discriminator', (list: never) => z.discriminatedUnion('kind', list)],
])('%s becomes one object', (_, union) => {
  const found = z.object({ kind: z.literal('find'), name: z.string(), limit: z.number() });
  const made = z.object({ kind: z.literal('make'), name: z.string(), color: z.string() });
  const folded = parametersOf((union as (list: unknown) => z.ZodType)([found, made]));
  expect(folded).toMatchObject({
    type: 'object',
    properties: {
      kind: { type: 'string', enum: ['find', 'make'] },
      name: text,
      limit: { type: 'number' },
      color: text,
    },
    required: ['kind', 'name'],
    description: 'One of these sets of fields: { kind, name, limit } | { kind, name, color }',
  });
  for (const keyword of ['anyOf', 'oneOf']) expect(folded).not.toHaveProperty(keyword);
});

test('fields that differ accept what either accepts', () => {
  const schema = z.union([
    z.object({ at: z.string() }),
    z.object({ at: z.number() }),
    z.object({ at: z.boolean() }),
  ]);
  expect(parametersOf(schema)).toMatchObject({
    properties: { at: { anyOf: [text, { type: 'number' }, { type: 'boolean' }] } },
    required: ['at'],
  });
});

test('an intersection has the fields of both', () => {
  const schema = z.intersection(
    z.object({ a: z.string() }),
    z.union([z.object({ b: z.string() }), z.object({ c: z.string() })]),
  );
  expect(parametersOf(schema)).toMatchObject({
    type: 'object',
    properties: { a: text, b: text, c: text },
    required: ['a'],
  });
});

test('a reference at the root is resolved, and its definitions stay', () => {
  const $defs = { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } };
  expect(toolParametersOf({ $ref: '#/$defs/node', $defs })).toEqual({ ...$defs.node, $defs });
});

test('a reference that leads to itself ends', () => {
  expect(toolParametersOf({ $ref: '#' })).toEqual({ type: 'object' });
  expect(toolParametersOf({ anyOf: [{ $ref: '#' }, { $ref: '#' }] }).type).toBe('object');
  const names = Array.from({ length: 40 }, (_, position) => `d${position}`);
  const twice = (name: string) => ({
    anyOf: [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}` }],
  });
  const $defs = Object.fromEntries(
    names.map((name, position) => [name, twice(`d${position + 1}`)]),
  );
  expect(toolParametersOf({ ...twice('d0'), $defs }).type).toBe('object');
});

test.each([
  ['an object', z.object({})],
  ['a union of objects', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
  ['a record', z.record(z.string(), z.string())],
  ['anything', z.unknown()],
])('%s can be the input of a tool', (_, inputSchema) => {
  const define = () => tool({ name: 'a', description: 'a', inputSchema, execute: () => 1 });
  expect(define).not.toThrow();
});

test.each([
  ['a text', z.string()],
  ['a list', z.array(z.object({}))],
  ['one of several words', z.enum(['a', 'b'])],
  ['an object or nothing', z.object({}).nullable()],
  ['a union with a text', z.union([z.object({}), z.string()])],
])('%s cannot be the input of a tool', (_, inputSchema) => {
  const define = () => tool({ name: 'a', description: 'a', inputSchema, execute: () => 1 });
  expect(define).toThrow('tool(): inputSchema of "a" must be a schema of an object');
});
