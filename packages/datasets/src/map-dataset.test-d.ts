import { createPlan, type Strategy } from '@stratagem/core';
import { expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { mapDataset } from './map-dataset.js';

declare const strategy: Strategy;

const plan = createPlan('Summarise', {
  inputs: z.object({ text: z.string(), stars: z.number().default(3) }),
  outputs: { summary: 'summary', stars: 'inputs.stars' },
}).addTask({ id: 'summary', run: ({ inputs }) => ({ words: inputs.text.length }) });

test('results have the types of the outputs of the plan, and of the rows', async () => {
  const map = mapDataset(plan, [{ id: 1, review: 'x' }], {
    strategy,
    bind: ({ review }) => ({ text: review }),
  });
  for await (const { outputs, input } of map) {
    expectTypeOf(outputs?.summary).toEqualTypeOf<{ words: number } | undefined>();
    expectTypeOf(outputs?.stars).toEqualTypeOf<number | undefined>();
    expectTypeOf(input).toEqualTypeOf<{ id: number; review: string }>();
  }
});

test('a function must give the inputs of the plan', () => {
  mapDataset(plan, [{ review: 'x' }], {
    strategy,
    // @ts-expect-error text is missing
    bind: ({ review }) => ({ txt: review }),
  });
  mapDataset(plan, [{ review: 'x' }], {
    strategy,
    // @ts-expect-error there is no such column
    bind: ({ reviw }) => ({ text: reviw }),
  });
  mapDataset(plan, [{ review: 'x' }], { strategy, bind: { text: 'review' } });
  // @ts-expect-error there is no such column
  mapDataset(plan, [{ review: 'x' }], { strategy, bind: { text: 'reviw' } });
  // @ts-expect-error there is no such input
  mapDataset(plan, [{ review: 'x' }], { strategy, bind: { txt: 'review' } });
});
