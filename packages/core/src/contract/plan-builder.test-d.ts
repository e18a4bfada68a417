import { expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import {
  createExecutor,
  createPlan,
  type OutputPart,
  type OutputsOf,
  type Plan,
  type PlanResult,
  type RunEvent,
  type RunHandle,
  type StratagemError,
  type Strategy,
  type TaskFunction,
} from '../index.js';

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
        expectTypeOf(emit).parameters.toEqualTypeOf<[string | OutputPart]>();
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

test('one computed id leaves the other inputs their types', () => {
  const id = Math.random().toString();
  const ids = [id];
  const plan = createPlan('mixed')
    .addTask({ id: 'a', run: () => ({ n: 1 }) })
    .addTask({ id: 'b', run: () => true });
  plan.addTask({
    id: 'last',
    dependencies: ['a', id, 'b'],
    run(inputs) {
      expectTypeOf(inputs.a).toEqualTypeOf<{ n: number }>();
      expectTypeOf(inputs.b).toEqualTypeOf<boolean>();
      expectTypeOf(inputs.other).toEqualTypeOf<unknown>();
    },
  });
  plan.addTask({ id: 'spread', dependencies: ['a', ...ids], run: ({ a }) => a.n });
  plan.addTask({ id: 'between', dependencies: ['a', ...ids, 'b'], run: ({ a, b }) => b && a.n });
  plan.addTask({ id: 'pattern', dependencies: [`page-${id}`, 'a'], run: ({ a }) => a.n });
  plan.addTask({ id: 'prompt', dependencies: [id, 'a'], prompt: ({ a }) => a.n.toFixed() });
  plan.addTask({
    id: 'wrong',
    // @ts-expect-error there is no task "c", whatever the other ids are
    dependencies: [id, 'c'],
    run: ({ c }) => c,
  });
});

test('only the wrong id is an error, not its neighbours and not the function', () => {
  createPlan('wrong')
    .addTask({ id: 'research', run: () => ({ n: 1 }) })
    .addTask({
      id: 'a',
      dependencies: [
        'research',
        // @ts-expect-error there is no task "rivls"
        'rivls',
      ],
      run: ({ research }) => research.n,
    });
});

test('plain JSON Schema is a schema, whose outputs are unknown', () => {
  const plan = createPlan('json').addTask({
    id: 'a',
    description: 'x',
    outputSchema: { type: 'object', properties: { n: { type: 'number' } } },
  });
  expectTypeOf<OutputsOf<typeof plan>['a']>().toEqualTypeOf<unknown>();
  // @ts-expect-error a schema is an object
  createPlan('json').addTask({ id: 'a', description: 'x', outputSchema: 'text' });
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

test('a literal may be given where it is run', async () => {
  const { outputs } = await executor.execute({
    goal: 'x',
    tasks: [{ id: 'a', description: 'x' }],
  });
  expectTypeOf(outputs.a).toEqualTypeOf<unknown>();
  const tasks = [1, 2].map((n) => ({ id: `page-${n}`, run: () => n }));
  const second = await executor.execute({ goal: 'x', tasks });
  expectTypeOf(second.outputs['page-1']).toEqualTypeOf<unknown>();
});

test('a function without dependencies receives nothing', () => {
  createPlan('x')
    .addTask({ id: 'a', run: () => 1 })
    .addTask({
      id: 'b',
      // @ts-expect-error a is no dependency of b
      run: ({ a }) => a,
    })
    .addTask({
      id: 'c',
      dependencies: [],
      // @ts-expect-error a is no dependency of c
      run: ({ a }) => a,
    });
});

test('the inputs of a function cannot be written to', () => {
  createPlan('x')
    .addTask({ id: 'a', run: () => 1 })
    .addTask({
      id: 'b',
      dependencies: ['a'],
      run(inputs) {
        // @ts-expect-error read-only
        inputs.a = 2;
      },
    });
});

test('a function may give its output at once, later, or sometimes', () => {
  const plan = createPlan('x')
    .addTask({ id: 'either', run: () => (Math.random() < 0.5 ? 1 : Promise.resolve(2)) })
    .addTask({ id: 'nothing', run: async () => {} })
    .addTask({ id: 'never', run: () => Promise.reject<number>(new Error('no')) })
    .addTask({ id: 'both', description: 'Also for people', run: (): boolean => true });
  expectTypeOf<OutputsOf<typeof plan>['either']>().toEqualTypeOf<number>();
  expectTypeOf<OutputsOf<typeof plan>['nothing']>().toEqualTypeOf<void>();
  expectTypeOf<OutputsOf<typeof plan>['never']>().toEqualTypeOf<number>();
  expectTypeOf<OutputsOf<typeof plan>['both']>().toEqualTypeOf<boolean>();
});

test('a function may be written elsewhere', () => {
  const count: TaskFunction<{ text: string }, number> = ({ text }) => text.length;
  const plan = createPlan('x')
    .addTask({ id: 'text', description: 'Write' })
    .addTask({ id: 'length', dependencies: ['text'], run: count })
    .addTask({
      id: 'wrong',
      dependencies: ['length'],
      // @ts-expect-error it wants the output of "text"
      run: count,
    });
  expectTypeOf<OutputsOf<typeof plan>['length']>().toEqualTypeOf<number>();
});

test('the status tells a result that is complete from one that is not', async () => {
  const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
  const run = executor.execute(plan);
  expectTypeOf(run).toEqualTypeOf<RunHandle<{ a: number }>>();
  expectTypeOf(run.result).resolves.toEqualTypeOf<PlanResult<{ a: number }>>();
  const result = await run;
  expectTypeOf(result.status).toEqualTypeOf<'completed' | 'failed' | 'canceled' | 'interrupted'>();
  if (result.error === undefined) expectTypeOf(result.outputs.a).toEqualTypeOf<number>();
  if (result.status !== 'completed') {
    expectTypeOf(result.error).toEqualTypeOf<StratagemError>();
    expectTypeOf(result.outputs.a).toEqualTypeOf<number | undefined>();
    return;
  }
  expectTypeOf(result.outputs).toEqualTypeOf<Readonly<{ a: number }>>();
  // @ts-expect-error read-only
  result.outputs.a = 2;
});

test('a result that has neither failed nor been canceled is complete', async () => {
  const result = await executor.execute(createPlan('x').addTask({ id: 'a', run: () => 1 }));
  if (result.status === 'canceled' || result.status === 'interrupted') return;
  if (result.status === 'failed') throw result.error;
  expectTypeOf(result.outputs.a).toEqualTypeOf<number>();
});

test('the type of an event tells its fields', async () => {
  const run = executor.execute(createPlan('x').addTask({ id: 'a', run: () => 1 }));
  for await (const event of run) {
    expectTypeOf(event).toEqualTypeOf<RunEvent>();
    if (event.type === 'task_completed') expectTypeOf(event.durationMs).toEqualTypeOf<number>();
    if (event.type === 'task_output' && event.kind === 'text') {
      expectTypeOf(event.text).toEqualTypeOf<string>();
    }
    // @ts-expect-error there is no such event
    if (event.type === 'task_finished') return;
    // @ts-expect-error not every event is about a task
    event.taskId;
  }
});

test('ids of a known pattern are taken, and their outputs known', () => {
  const page: number = 1;
  const plan = createPlan('x')
    .addTask({ id: 'a', run: () => 1 })
    .addTask({ id: `page-${page}`, run: () => 'text' })
    .addTask({
      id: 'b',
      dependencies: ['a', 'page-3'],
      run(inputs) {
        expectTypeOf(inputs.a).toEqualTypeOf<number>();
        expectTypeOf(inputs['page-3']).toEqualTypeOf<string>();
        // @ts-expect-error page-4 is no dependency of b
        inputs['page-4'];
      },
    });
  expectTypeOf<OutputsOf<typeof plan>['page-7']>().toEqualTypeOf<string>();
  // @ts-expect-error there is no task "chapter-1"
  plan.addTask({ id: 'c', description: 'x', dependencies: ['chapter-1'] });
});

test('a list of dependencies may be put together', () => {
  const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
  const flag = Math.random() < 0.5;
  const list: readonly 'a'[] = ['a'];
  plan.addTask({ id: 'list', dependencies: list, run: ({ a }) => a });
  plan.addTask({ id: 'spread', description: 'x', dependencies: [...(flag ? ['a'] : [])] });
  plan.addTask({ id: 'perhaps', description: 'x', ...(flag && { dependencies: ['a'] }) });
  plan.addTask({ id: 'undefined', description: 'x', dependencies: flag ? ['a'] : undefined });
  plan.addTask({ id: 'either', description: 'x', dependencies: flag ? ['a'] : [] });
});

test('a plan of unknown outputs can be handed to a function that takes any plan', () => {
  const run = async <Outputs>(plan: Plan<Outputs>) => (await executor.execute(plan)).outputs;
  const plan = createPlan('x').addTask({ id: 'a', run: () => 1 });
  const outputs = run(plan);
  expectTypeOf<Awaited<typeof outputs>['a']>().toEqualTypeOf<number | undefined>();
});

test('the inputs of a plan are typed, from execute to its functions', () => {
  const plan = createPlan('x', {
    inputs: z.object({ urls: z.array(z.string()), depth: z.number().default(1) }),
  })
    .addTask({
      id: 'pages',
      forEach: 'inputs.urls',
      run: ({ item }) => {
        expectTypeOf(item).toEqualTypeOf<string>();
        return item.length;
      },
    })
    .addTask({
      id: 'sum',
      dependencies: ['pages'],
      when: ({ inputs }) => inputs.depth > 0,
      run: ({ pages, inputs }) => {
        expectTypeOf(inputs).toEqualTypeOf<{ urls: string[]; depth: number }>();
        return pages.length * inputs.depth;
      },
    });
  executor.execute(plan, { inputs: { urls: [] } });
  // @ts-expect-error urls must be given
  executor.execute(plan);
  // @ts-expect-error urls must be given
  executor.execute(plan, { inputs: {} });
  // @ts-expect-error a URL is a text
  executor.execute(plan, { inputs: { urls: [1] } });
  const optional = createPlan('x', { inputs: z.object({ depth: z.number().default(1) }) }).addTask({
    id: 'a',
    run: ({ inputs }) => inputs.depth,
  });
  executor.execute(optional);
  executor.execute(optional, { inputs: { depth: 2 } });
});
