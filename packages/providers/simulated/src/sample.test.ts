import { createExecutor, createPlan, type Strategy } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { randomFrom } from './random.js';
import { sampleOf } from './sample.js';
import { simulated } from './simulated.js';

const schemas: Record<string, z.ZodType> = {
  text: z.string(),
  'bounded text': z.string().min(30).max(40),
  choice: z.enum(['bug', 'feature', 'question']),
  constant: z.literal('yes'),
  'whole number': z.int().min(1).max(3),
  number: z.number().gt(0).lt(1),
  boolean: z.boolean(),
  list: z.array(z.object({ title: z.string(), score: z.number() })).min(5),
  'short list': z.array(z.string()).max(1),
  optional: z.object({ a: z.string(), b: z.string().optional(), c: z.null() }),
  union: z.union([z.object({ kind: z.literal('a'), n: z.number() }), z.array(z.boolean())]),
  joined: z.object({ a: z.string() }).and(z.object({ b: z.number() })),
  tree: z.object({
    name: z.string(),
    get children(): z.ZodType {
      return z.array(schemas.tree as z.ZodType);
    },
  }),
};

describe('the output of a task with a schema', () => {
  test.each(Object.keys(schemas))('matches it: %s', (name) => {
    const schema = schemas[name] as z.ZodType;
    const json = z.toJSONSchema(schema, { unrepresentable: 'any' }) as Record<string, unknown>;
    for (let seed = 0; seed < 50; seed++) {
      const value = sampleOf(json, randomFrom(seed));
      expect(schema.safeParse(value).error?.issues, JSON.stringify(value)).toBeUndefined();
    }
  });

  test('is returned in a run, and depends only on the seed', async () => {
    const strategy: Strategy = {
      name: 'first',
      begin() {
        const ready: Parameters<ReturnType<Strategy['begin']>['ready']>[0][] = [];
        return { ready: (task) => ready.push(task), next: () => ready.shift() };
      },
    };
    const outputSchema = z.object({ papers: z.array(z.string()), score: z.int().min(1).max(10) });
    const plan = createPlan('x').addTask({ id: 'a', description: 'Find papers', outputSchema });
    const runner = simulated({ latencyMs: 0, seed: 3 });
    const first = await createExecutor({ strategy, runner }).execute(plan);
    const second = await createExecutor({ strategy, runner }).execute(plan);
    expect(first.status).toBe('completed');
    expect(first.outputs.a?.papers).toHaveLength(3);
    expect(second.outputs).toEqual(first.outputs);
  });
});
