import { expectTypeOf, test } from 'vitest';
import { createExecutor, createPlan, type OutputsOf, type Plan, type Strategy } from './index.js';

declare const strategy: Strategy;
const executor = createExecutor({ strategy });

test('the output of a task is what its function returns, or text', async () => {
  const plan = createPlan('types')
    .addTask({ id: 'text', description: 'Write' })
    .addTask({ id: 'number', run: () => 1 })
    .addTask({ id: 'later', run: async () => ({ items: ['a'] }) });
  expectTypeOf<OutputsOf<typeof plan>['text']>().toEqualTypeOf<string>();
  expectTypeOf<OutputsOf<typeof plan>['number']>().toEqualTypeOf<number>();
  expectTypeOf<OutputsOf<typeof plan>['later']>().toEqualTypeOf<{ items: string[] }>();

  const result = await executor.execute(plan);
  expectTypeOf(result.outputs.number).toEqualTypeOf<number | undefined>();
  // @ts-expect-error there is no such task
  result.outputs.numbr;
  if (result.status === 'completed') {
    expectTypeOf(result.outputs.number).toEqualTypeOf<number>();
    expectTypeOf(result.error).toEqualTypeOf<undefined>();
  } else {
    expectTypeOf(result.error).toBeObject();
    expectTypeOf(result.error.code).toBeString();
  }
});

test('a function receives the outputs of its dependencies and of nothing else', () => {
  createPlan('inputs')
    .addTask({ id: 'a', run: () => ({ name: 'Ada', born: 1815 }) })
    .addTask({ id: 'b', description: 'Write' })
    .addTask({
      id: 'c',
      dependencies: ['a', 'b'],
      run(inputs, { signal, attempt, emit }) {
        expectTypeOf(inputs.a).toEqualTypeOf<{ name: string; born: number }>();
        expectTypeOf(inputs.b).toEqualTypeOf<string>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(attempt).toEqualTypeOf<number>();
        expectTypeOf(emit).parameters.toEqualTypeOf<[string]>();
        // @ts-expect-error the output has no such field
        inputs.a.nmae;
      },
    })
    .addTask({
      id: 'd',
      dependencies: ['a'],
      // @ts-expect-error b is no dependency of d
      run: ({ b }) => b,
    });
});

test('a dependency must have been added before', () => {
  createPlan('order')
    .addTask({ id: 'research', description: 'x' })
    // @ts-expect-error there is no task "reserch"
    .addTask({ id: 'a', description: 'x', dependencies: ['reserch'] })
    // @ts-expect-error a task cannot depend on itself
    .addTask({ id: 'b', description: 'x', dependencies: ['b'] })
    .addTask({ id: 'c', description: 'x', dependencies: ['research', 'a'] });
});

test('ids computed at run time are taken', () => {
  const pages = [1, 2, 3];
  const plan = createPlan('pages');
  for (const page of pages) plan.addTask({ id: `page-${page}`, run: () => page });
  const ids = pages.map((page) => `page-${page}`);
  const complete = plan
    .addTask({
      id: 'total',
      dependencies: ids,
      run: (inputs) => {
        expectTypeOf(inputs).toEqualTypeOf<Readonly<Record<string, unknown>>>();
        return ids.length;
      },
    })
    .addTask({ id: 'mixed', dependencies: ['total', ...ids], run: ({ total }) => total as number });
  expectTypeOf<OutputsOf<typeof complete>['total']>().toEqualTypeOf<number>();
  plan.addTask({ id: 'one', description: 'x', dependencies: [`page-${pages.length}`] });
});

test('a task has a description or a function, and no unknown field', () => {
  // @ts-expect-error neither description nor run
  createPlan('x').addTask({ id: 'a' });
  // @ts-expect-error misspelt
  createPlan('x').addTask({ id: 'a', description: 'x', dependecies: [] });
  // @ts-expect-error no such type
  createPlan('x').addTask({ id: 'a', description: 'x', type: 'agregate' });
});

test('a literal is a plan, and its outputs are unknown', async () => {
  const plan: Plan = { goal: 'x', tasks: [{ id: 'a', description: 'x', dependencies: ['b'] }] };
  const { outputs } = await executor.execute(plan);
  expectTypeOf(outputs.a).toEqualTypeOf<unknown>();
  const built: Plan = createPlan('x').addTask({ id: 'a', description: 'x' });
  expectTypeOf(built).toEqualTypeOf<Plan>();
});

test('options are checked by the types, too', () => {
  // @ts-expect-error misspelt
  createExecutor({ strategy, maxParalel: 3 });
  // @ts-expect-error misplaced
  executor.execute({ goal: 'x', tasks: [] }, { strategy });
});
