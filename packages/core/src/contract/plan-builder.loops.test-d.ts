import { expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { createPlan, type LoopEnding, type OutputsOf, tool } from '../index.js';

const base = createPlan('types').addTask({ id: 'topic', run: () => ({ name: 'bees' }) });
const Draft = z.object({ text: z.string(), score: z.number() });

test('an iteration knows the output before it by the schema, and its number', () => {
  const plan = base
    .addTask({
      id: 'draft',
      dependencies: ['topic'],
      outputSchema: Draft,
      repeat: {
        until: ({ draft, previous, iteration, topic }) => {
          expectTypeOf(topic).toEqualTypeOf<{ name: string }>();
          expectTypeOf(iteration).toEqualTypeOf<number>();
          return draft.score - (previous?.score ?? 0) < 0.1;
        },
        maxIterations: 3,
        onExhausted: 'fail',
      },
      prompt: ({ topic, previous, iteration }) =>
        `${topic.name} ${previous?.text.length} ${iteration.toFixed()}`,
    })
    .addTask({
      id: 'count',
      repeat: { until: { path: 'count', operator: '>=', value: 3 } },
      run: ({ previous, iteration }) => {
        expectTypeOf(previous).toEqualTypeOf<unknown>();
        return iteration;
      },
    })
    .addTask({
      id: 'group',
      repeat: { until: ({ group }) => group.judge === 1 },
      subtasks: [{ id: 'judge', description: 'x' }],
    })
    .addTask({
      id: 'wrong',
      outputSchema: Draft,
      // @ts-expect-error a draft has no rating
      repeat: { until: ({ wrong }) => wrong.rating > 1 },
      description: 'x',
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['draft']>().toEqualTypeOf<{ text: string; score: number }>();
  expectTypeOf<Outputs['count']>().toEqualTypeOf<number>();
  expectTypeOf<Outputs['group']>().toEqualTypeOf<Readonly<Record<string, unknown>>>();
  expectTypeOf<keyof Outputs>().toEqualTypeOf<'topic' | 'draft' | 'count' | 'group' | 'wrong'>();
});

test('without a schema, an iteration knows the output that a prompt, a tool or a command has', () => {
  const search = tool({
    name: 'search',
    description: 'Finds pages.',
    inputSchema: z.object({ q: z.string() }),
    execute: ({ q }) => ({ hits: [q] }),
  });
  const plan = base
    .addTask({
      id: 'text',
      repeat: { until: { path: 'iteration', operator: '>=', value: 2 } },
      prompt: ({ previous }) => {
        expectTypeOf(previous).toEqualTypeOf<string | undefined>();
        return `Improve ${previous ?? 'nothing'}`;
      },
    })
    .addTask({
      id: 'found',
      tool: search,
      repeat: {
        until: ({ found, previous }) => {
          expectTypeOf(previous).toEqualTypeOf<{ hits: string[] } | undefined>();
          return found.hits.length > 3;
        },
      },
      args: { q: '{{previous.hits[0]}}' },
    })
    .addTask({
      id: 'again',
      tool: search,
      repeat: { until: { path: 'iteration', operator: '>=', value: 2 } },
      args: ({ previous }) => ({ q: previous?.hits[0] ?? 'bees' }),
    })
    .addTask({
      id: 'date',
      command: ['date'],
      repeat: { until: ({ date }) => date.startsWith('Mon') },
    })
    .addTask({
      id: 'data',
      command: { argv: ['date'], output: 'json' },
      repeat: {
        until: ({ data }) => {
          expectTypeOf(data).toEqualTypeOf<unknown>();
          return true;
        },
      },
    });
  type Outputs = OutputsOf<typeof plan>;
  expectTypeOf<Outputs['text']>().toEqualTypeOf<string>();
  expectTypeOf<Outputs['found']>().toEqualTypeOf<{ hits: string[] }>();
});

test('the condition of a loop is a condition or a synchronous function', () => {
  base.addTask({
    id: 'draft',
    // @ts-expect-error there is no such operator
    repeat: { until: { path: 'draft', operator: '~', value: 1 } },
    description: 'x',
  });
  base.addTask({
    id: 'draft',
    // @ts-expect-error a promise is always true
    repeat: { until: async () => true },
    description: 'x',
  });
});

test('only a loop has iterations', () => {
  base.addTask({
    id: 'none',
    // @ts-expect-error there is no loop
    run: ({ previous }) => previous,
  });
});

test('each item of a fan-out may loop', () => {
  base.addTask({ id: 'list', run: () => [{ url: 'x' }] }).addTask({
    id: 'each',
    dependencies: ['list'],
    forEach: 'list',
    repeat: { until: ({ item, iteration }) => item.url.length > iteration },
    run: ({ item, iteration }) => item.url.repeat(iteration),
  });
});

test('dependents of a loop are told how it ended', () => {
  base
    .addTask({ id: 'draft', repeat: { until: () => true }, description: 'x' })
    .addTask({ id: 'maybe', when: () => true, repeat: { until: () => true }, description: 'x' })
    .addTask({
      id: 'after',
      dependencies: ['draft', 'maybe', 'topic'],
      when: (inputs) => inputs['draft#ending'] === 'reached',
      run: (inputs) => {
        expectTypeOf(inputs['draft#ending']).toEqualTypeOf<LoopEnding>();
        expectTypeOf(inputs['draft#iterations']).toEqualTypeOf<number>();
        expectTypeOf(inputs['maybe#ending']).toEqualTypeOf<LoopEnding | undefined>();
        // @ts-expect-error it is no loop
        return inputs['topic#ending'];
      },
    });
});
