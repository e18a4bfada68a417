import { expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { createPlan, type ItemResult, type OutputsOf } from '../index.js';

const base = createPlan('types').addTask({
  id: 'gather',
  run: () => ({ documents: [{ title: 'a' }], more: { pages: [1] } }),
});

test('the element of a fan-out has the type of its list, however it is given', () => {
  const plan = base
    .addTask({
      id: 'function',
      dependencies: ['gather'],
      forEach: ({ gather }) => gather.documents,
      run: ({ item, index }) => item.title.length + index,
    })
    .addTask({
      id: 'options',
      dependencies: ['gather'],
      forEach: { items: ({ gather }) => gather.documents, minSuccess: '66%' },
      prompt: ({ item }) => item.title,
    })
    .addTask({
      id: 'path',
      dependencies: ['gather'],
      forEach: { items: 'gather.more.pages', maxItems: 3 },
      run: ({ item }) => item.toFixed(),
    })
    .addTask({
      id: 'stream',
      dependencies: ['gather'],
      forEach: {
        stream: {
          name: 'pages',
          open: async function* () {
            yield { page: 1 };
          },
        },
      },
      run: ({ item, index }) => item.page.toFixed() + index,
    })
    .addTask({
      id: 'wrong',
      dependencies: ['gather'],
      forEach: 'gather.documents',
      // @ts-expect-error documents have no author
      run: ({ item }) => item.author,
    })
    .addTask({
      id: 'after',
      dependencies: ['function'],
      run(inputs) {
        for (const each of inputs.function) {
          if (each.status === 'completed') expectTypeOf(each.output).toEqualTypeOf<number>();
          else expectTypeOf(each.error.code).toBeString();
        }
      },
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['function']>().toEqualTypeOf<readonly ItemResult<number>[]>();
  expectTypeOf<Outputs['stream']>().toEqualTypeOf<readonly ItemResult<string>[]>();
  expectTypeOf<Outputs['options']>().toEqualTypeOf<readonly ItemResult<string>[]>();
});

test('only a fan-out has elements', () => {
  base.addTask({
    id: 'none',
    dependencies: ['gather'],
    // @ts-expect-error there is no list
    run: ({ item }) => item,
  });
});

test('what may not be chosen may be undefined, and so may what depends on nothing else', () => {
  const plan = base
    .addTask({
      id: 'data',
      dependencies: ['gather'],
      when: { path: 'gather.documents', operator: '==', value: 1 },
      run: ({ gather }) => gather.documents.length,
    })
    .addTask({
      id: 'nested',
      dependencies: ['gather'],
      when: { all: [{ not: { path: 'gather', operator: '==', value: 1 } }] },
      run: () => 1,
    })
    .addTask({
      id: 'code',
      dependencies: ['gather'],
      when: ({ gather }) => gather.documents.length > 1,
      run: () => 1,
    })
    .addTask({
      id: 'join',
      dependencies: ['data', 'code'],
      run({ data, code }) {
        expectTypeOf(data).toEqualTypeOf<number | undefined>();
        expectTypeOf(code).toEqualTypeOf<number | undefined>();
        return 'x';
      },
    })
    .addTask({ id: 'sure', dependencies: ['data', 'gather'], run: () => 'x' })
    .addTask({
      id: 'misspelt',
      dependencies: ['gather'],
      // @ts-expect-error there is no such dependency
      when: ({ gathr }) => gathr,
      run: () => 1,
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['data']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Outputs['nested']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Outputs['code']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Outputs['join']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Outputs['sure']>().toEqualTypeOf<string>();
});

test('a fan-out over what may not be chosen may be undefined, whatever else it depends on', () => {
  const plan = base
    .addTask({ id: 'some', dependencies: ['gather'], when: () => true, run: () => [1] })
    .addTask({ id: 'path', dependencies: ['some', 'gather'], forEach: 'some', run: () => 1 })
    .addTask({
      id: 'sure',
      dependencies: ['some', 'gather'],
      forEach: 'gather.documents',
      run: () => 1,
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['path']>().toEqualTypeOf<readonly ItemResult<number>[] | undefined>();
  expectTypeOf<Outputs['sure']>().toEqualTypeOf<readonly ItemResult<number>[]>();
});

test('a schema gives the type of the output, to prompts and functions that depend on it', () => {
  const plan = createPlan('schemas')
    .addTask({
      id: 'research',
      description: 'Find companies',
      outputSchema: z.object({ companies: z.array(z.object({ name: z.string() })) }),
    })
    .addTask({
      id: 'compare',
      dependencies: ['research'],
      prompt: ({ research }) => `Compare ${research.companies.map(({ name }) => name)}`,
    })
    .addTask({
      id: 'wrong',
      dependencies: ['research'],
      // @ts-expect-error there is no such field
      prompt: ({ research }) => research.company,
    })
    .addTask({
      id: 'checked',
      run: () => '12',
      outputSchema: z.string().transform(Number),
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['research']>().toEqualTypeOf<{ companies: { name: string }[] }>();
  expectTypeOf<Outputs['compare']>().toEqualTypeOf<string>();
  expectTypeOf<Outputs['checked']>().toEqualTypeOf<number>();
});

test('groups and human steps have the outputs that they will have', () => {
  const plan = createPlan('groups')
    .addTask({ id: 'group', subtasks: [{ id: 'a', description: 'x' }] })
    .addTask({
      id: 'aggregate',
      type: 'aggregate',
      description: 'Sum up',
      subtasks: [{ id: 'b', description: 'x' }],
    })
    .addTask({ id: 'computed', subtasks: [{ id: 'c', run: () => 1 }], run: () => 7 })
    .addTask({ id: 'approval', description: 'Ok?', waitFor: 'approval' })
    .addTask({ id: 'answer', description: 'Which?', waitFor: { kind: 'answer', timeoutMs: 5 } })
    .addTask({
      id: 'choice',
      description: 'Which?',
      waitFor: 'answer',
      outputSchema: z.enum(['a', 'b']),
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['group']>().toEqualTypeOf<Readonly<Record<string, unknown>>>();
  expectTypeOf<Outputs['aggregate']>().toEqualTypeOf<string>();
  expectTypeOf<Outputs['computed']>().toEqualTypeOf<number>();
  expectTypeOf<Outputs['approval']>().toEqualTypeOf<true>();
  expectTypeOf<Outputs['answer']>().toEqualTypeOf<unknown>();
  expectTypeOf<Outputs['choice']>().toEqualTypeOf<'a' | 'b'>();
});

test('a plan that may end early may have only some outputs', () => {
  const goalState = { criteria: [{ path: 'outputs.a', operator: '==', value: 1 }] } as const;
  const plan = createPlan('early', { goalState }).addTask({ id: 'a', run: () => 1 });
  expectTypeOf<OutputsOf<typeof plan>['a']>().toEqualTypeOf<number | undefined>();
});

test('a task that runs after failures may lack the outputs of its dependencies', () => {
  const plan = createPlan('clean up')
    .addTask({ id: 'build', run: () => 1 })
    .addTask({
      id: 'report',
      dependencies: ['build'],
      runAfter: 'settled',
      run: ({ build }, { failures }) => {
        expectTypeOf(build).toEqualTypeOf<number | undefined>();
        expectTypeOf(failures[0]?.taskId).toEqualTypeOf<string | undefined>();
        return 'done';
      },
    })
    .addTask({
      id: 'alarm',
      dependencies: ['build'],
      runAfter: 'failure',
      prompt: ({ build = 0 }, failures) => `${build.toFixed()} ${failures[0]?.message}`,
    })
    .addTask({
      id: 'last',
      dependencies: ['report', 'alarm'],
      run: ({ report, alarm }) => {
        expectTypeOf(report).toEqualTypeOf<string>();
        expectTypeOf(alarm).toEqualTypeOf<string | undefined>();
      },
    })
    // @ts-expect-error there is no such value
    .addTask({ id: 'wrong', dependencies: ['build'], runAfter: 'sucess', run: () => 1 });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['report']>().toEqualTypeOf<string>();
  expectTypeOf<Outputs['alarm']>().toEqualTypeOf<string | undefined>();
});
