import { describe, expect, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { execute, planOf, runnerOf, statuses, taskOf } from '../../test/runs.js';
import {
  createPlan,
  formatProblem,
  type JsonSchema,
  type OutputsOf,
  type Plan,
  type StandardSchema,
  type Task,
  tool,
  validatePlan,
} from '../index.js';
import { answerSchemaOf } from '../provider/answer-schema.js';
import { compileJsonSchema } from './compile-json-schema.js';
import { jsonSchemaProblem } from './json-schema.js';
import { asksForText } from './schema.js';

/** A schema of a library that cannot write JSON Schema. */
const unwritten = (vendor: string): StandardSchema => ({
  '~standard': { version: 1, vendor, validate: (value) => ({ value }) },
});
const problemsOf = (plan: Plan) => validatePlan(plan).map(formatProblem);
const ask = (outputSchema: unknown, more: Partial<Task> = {}): Task => ({
  id: 'a',
  description: 'Answer',
  outputSchema: outputSchema as never,
  ...more,
});

describe('the schema of an answer', () => {
  const shapes: [string, z.ZodType, unknown][] = [
    ['a union', z.union([z.object({ a: z.string() }), z.object({ b: z.number() })]), { b: 2 }],
    ['a nullable object', z.object({ a: z.string() }).nullable(), null],
    ['an enumeration', z.enum(['bug', 'wish']), 'bug'],
    ['a constant', z.literal('yes'), 'yes'],
    [
      'an intersection',
      z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
      { a: '', b: '' },
    ],
    ['a list', z.array(z.number()), [1]],
    [
      'a recursive value',
      z.lazy((): z.ZodType => z.union([z.string(), z.array(z.string())])),
      ['x'],
    ],
    [
      'a date as text',
      z.codec(z.iso.datetime(), z.date(), {
        decode: (text) => new Date(text),
        encode: (date) => date.toISOString(),
      }),
      '2026-01-02T03:04:05Z',
    ],
  ];

  test.each(shapes)('is sent to the model for %s at the root', async (_, schema, answer) => {
    const { runner, requests } = runnerOf({ a: JSON.stringify(answer) });
    const { status, error } = await execute(planOf(ask(schema)), { runner });
    expect(error).toBeUndefined();
    expect(status).toBe('completed');
    expect(requests.get('a')?.outputSchema).toBeDefined();
    expect(requests.get('a')?.prompt).toContain('fits this JSON Schema:');
    expect(answerSchemaOf(requests.get('a')?.outputSchema)?.schema.type).toBe('object');
  });

  test.each([
    [{}, true],
    [{ $schema: 'x', type: 'string' }, true],
    [{ description: 'Anything' }, true],
    [{ anyOf: [{ type: 'object' }, { type: 'null' }] }, false],
    [{ oneOf: [] }, false],
    [{ allOf: [{ type: 'object' }] }, false],
    [{ $ref: '#/$defs/a' }, false],
    [{ enum: ['a', 'b'] }, false],
    [{ const: 'a' }, false],
    [{ not: {} }, false],
    [{ type: ['string', 'null'] }, false],
    [{ type: 'object' }, false],
  ])('%j: any text fits: %j', (schema, isText) => {
    expect(asksForText(schema)).toBe(isText);
  });

  test.each([
    ['zod', 'use zod 4.6 or newer, or, with zod 4, pass z.toJSONSchema(schema)'],
    ['valibot', 'Pass toStandardJsonSchema(schema) of @valibot/to-json-schema'],
    ['mine', 'Add a jsonSchema method to it, or pass plain JSON Schema'],
  ])('that %s cannot write as JSON Schema is a problem, with its remedy', (vendor, remedy) => {
    const problem = 'tasks[0].outputSchema: cannot be sent to a model, as it cannot be written as';
    expect(problemsOf(planOf(ask(unwritten(vendor))))).toEqual([expect.stringContaining(problem)]);
    expect(problemsOf(planOf(ask(unwritten(vendor))))).toEqual([expect.stringContaining(remedy)]);
  });

  test('that JSON cannot hold is a problem, with what it cannot hold', () => {
    for (const schema of [
      z.date(),
      z.object({ at: z.date() }),
      z.bigint(),
      z.map(z.string(), z.any()),
    ]) {
      const [problem, ...others] = problemsOf(planOf(ask(schema)));
      expect(problem).toMatch(
        /cannot be represented in JSON Schema\. Describe the value as it is in JSON/,
      );
      expect(others).toEqual([]);
    }
  });

  test('only has to be written for a model', () => {
    const group: Task = { id: 'g', subtasks: [{ id: 's', run: () => 1 }], run: () => 2 };
    const tasks: Task[] = [
      { id: 'f', run: () => new Date(), outputSchema: z.date() },
      { id: 'h', description: 'When?', waitFor: 'answer', outputSchema: unwritten('valibot') },
      { ...group, outputSchema: z.bigint() },
    ];
    expect(problemsOf(planOf(...tasks))).toEqual([]);
  });

  test('is written once for all tasks that share it', () => {
    let writes = 0;
    const schema: StandardSchema = {
      '~standard': {
        ...unwritten('mine')['~standard'],
        jsonSchema: { output: () => ({ type: 'object', n: ++writes }) },
      },
    };
    const tasks = Array.from({ length: 50 }, (_, n) => ask(schema, { id: `t${n}` }));
    expect(problemsOf(planOf(...tasks))).toEqual([]);
    expect(writes).toBeLessThanOrEqual(2);
  });
});

describe('the schema of a tool', () => {
  const toolWith = (inputSchema: StandardSchema | JsonSchema) =>
    tool({ name: 'find', description: 'Finds.', inputSchema, execute: (input) => input });

  test('must be written for the model', () => {
    expect(() => toolWith(unwritten('valibot'))).toThrow(
      'inputSchema of "find" cannot be sent to a model',
    );
    expect(() => toolWith(z.object({ at: z.date() }))).toThrow('Date cannot be represented');
    expect(() => toolWith({ type: 'objct' })).toThrow(
      'there is no type "objct". Did you mean "object"?',
    );
  });

  test('may be plain JSON Schema, which validates', async () => {
    const inputSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    const find = tool({
      ...{ name: 'find', description: 'Finds.', inputSchema },
      execute: (input) => ({ found: input }),
    });
    const texts: unknown[] = [];
    const seen: unknown[] = [];
    await execute(planOf({ id: 'a', description: 'x', tools: [find] }), {
      runner: {
        name: 'test',
        supportsTools: true,
        async run({ tools = [] }) {
          seen.push(tools[0]?.inputSchema);
          for (const input of [{ n: 1 }, {}]) texts.push((await tools[0]?.call(input))?.text);
          return { output: '' };
        },
      },
    });
    expect(seen).toEqual([inputSchema]);
    expect(texts).toEqual([
      '{"found":{"n":1}}',
      expect.stringContaining('does not match the schema: n: '),
    ]);
  });
});

describe('plain JSON Schema in code', () => {
  const schema = {
    type: 'object',
    properties: { kind: { enum: ['bug', 'wish'] }, count: { $ref: '#/$defs/count' } },
    required: ['kind'],
    $defs: { count: { type: 'integer', minimum: 1 } },
  } as const;

  test('is sent as it is, and validates the answer', async () => {
    const answers = ['{"kind":"bug","count":2}', '{"kind":"bog"}', '{"kind":"wish","count":0}'];
    for (const [index, answer] of answers.entries()) {
      const { runner, requests } = runnerOf({ a: answer });
      const { outputs, error } = await execute(planOf(ask(schema)), { runner });
      expect(requests.get('a')?.outputSchema).toEqual(schema);
      if (index === 0) expect(outputs).toEqual({ a: { kind: 'bug', count: 2 } });
      else expect(error?.message).toContain(index === 1 ? 'kind: ' : 'count: ');
    }
  });

  test('validates the output of a function, with the type unknown', async () => {
    const plan = createPlan('x')
      .addTask({ id: 'a', run: () => ({ kind: 'wish' }), outputSchema: schema })
      .addTask({ id: 'b', run: () => 1, outputSchema: schema });
    const result = await execute(plan);
    expectTypeOf<OutputsOf<typeof plan>['a']>().toEqualTypeOf<unknown>();
    expect(statuses(result)).toEqual({ a: 'completed', b: 'failed' });
    expect(taskOf(result, 'b').error?.code).toBe('invalid_output');
  });

  test.each([
    [{ title: z.string() }, 'must be a schema of a Standard Schema library'],
    [new Date(), 'must be a schema of a Standard Schema library'],
    ['string', 'must be a schema of a Standard Schema library'],
    [[], 'must be a schema of a Standard Schema library'],
    [{ type: 'strng' }, 'there is no type "strng". Did you mean "string"?'],
    [
      { type: 'object', properties: { a: { type: 'array', items: { type: ['int', 'null'] } } } },
      'properties.a.items: there is no type "int". Types are string, number,',
    ],
    [{ type: 'object', if: {} }, '"if" is not supported'],
    [{ not: { type: 'null' } }, '"not" is not supported'],
    [{ $ref: '#/$defs/x' }, '$ref must name a schema in $defs'],
    [{ $ref: 'https://example.com/x' }, '$ref must name a schema in $defs'],
    [{ type: 'string', pattern: '(' }, 'invalid pattern "("'],
    [{ anyOf: [{ type: 'x' }] }, 'anyOf.0: there is no type "x"'],
  ])('%j is a problem', (value, message) => {
    expect(problemsOf(planOf(ask(value)))).toEqual([expect.stringContaining(message)]);
    expect(problemsOf(planOf(ask(value, { run: () => 1 })))).toEqual([
      expect.stringContaining(message),
    ]);
  });

  test('that refers to itself as an object is a problem, not an endless loop', () => {
    const cyclic: Record<string, unknown> = { type: 'array' };
    cyclic.items = cyclic;
    expect(jsonSchemaProblem(cyclic)).toContain('is nested deeper than 100');
  });

  test('without a problem can always be compiled, and with one never', () => {
    const parts: unknown[] = [
      ...[{}, true, false, { type: 'string', format: 'date' }, { type: ['object', 'null'] }],
      ...[{ enum: [1, 'a', null] }, { const: 3 }, { $ref: '#/$defs/a' }, { $ref: '#' }],
      ...[{ $ref: '#/$defs/none' }, { $ref: '#/properties/a' }, { type: 'date' }, { not: {} }],
      ...[{ not: { type: 'string' } }, { type: 'string', pattern: '[' }, { else: {} }],
      ...[{ dependentRequired: {} }, { unevaluatedItems: false }, { title: 'x', examples: [1] }],
    ];
    const wholes = parts.flatMap((part) => [
      ...[
        { type: 'object', properties: { p: part }, required: ['p'] },
        { type: 'array', items: part },
      ],
      ...[{ anyOf: [{ type: 'null' }, part] }, { allOf: [part] }, { oneOf: [part] }],
      ...[
        { type: 'array', prefixItems: [part] },
        { type: 'object', additionalProperties: part },
      ],
      ...[{ type: 'object', patternProperties: { x: part } }],
    ]);
    for (const whole of wholes) {
      const schema = { ...whole, $defs: { a: { type: 'string' } } };
      const compile = () => compileJsonSchema(schema);
      if (jsonSchemaProblem(schema) === undefined)
        expect(compile, JSON.stringify(schema)).not.toThrow();
      else expect(compile, JSON.stringify(schema)).toThrow();
    }
  });

  test('of draft 7 keeps its definitions', async () => {
    const old = {
      type: 'array',
      items: { $ref: '#/definitions/n' },
      definitions: { n: { type: 'number' } },
    };
    const plan = planOf({ id: 'a', run: () => ['x'], outputSchema: old });
    expect(problemsOf(plan)).toEqual([]);
    const { error } = await execute(plan);
    expect(error?.message).toContain('[0]: ');
  });
});
