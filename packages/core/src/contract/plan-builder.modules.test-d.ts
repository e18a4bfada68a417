import { describe, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { createPlan, type OutputsOf, type Plan } from '../index.js';

const review = createPlan('Review a text', {
  inputs: z.object({ draft: z.string(), strictness: z.number().default(3) }),
  outputs: { verdict: 'judge.verdict', text: '{{judge.verdict}} for {{inputs.draft}}' },
})
  .addTask({
    id: 'check',
    run: ({ inputs }) => inputs.draft.length + inputs.strictness,
  })
  .addTask({
    id: 'judge',
    dependencies: ['check'],
    run: ({ check }) => ({ verdict: check > 3 }),
  });

describe('modules', () => {
  test('have the type of the outputs of their plan', () => {
    const plan = createPlan('Write')
      .addTask({ id: 'write', run: () => ({ text: 'a' }) })
      .addTask({
        id: 'review',
        dependencies: ['write'],
        plan: review,
        with: { draft: '{{write.text}}' },
      })
      .addTask({
        id: 'publish',
        dependencies: ['review'],
        run: ({ review: result }) => {
          expectTypeOf(result).toEqualTypeOf<{
            readonly verdict: boolean;
            readonly text: string;
          }>();
          return result.text;
        },
      });
    expectTypeOf<OutputsOf<typeof plan>['review']['verdict']>().toEqualTypeOf<boolean>();
  });

  test('may lack results where their plan does not name them', () => {
    const inner = createPlan('Inner').addTask({ id: 'a', run: () => 1 });
    const plan = createPlan('Outer').addTask({ id: 'm', plan: inner });
    expectTypeOf<OutputsOf<typeof plan>['m']['a']>().toEqualTypeOf<number | undefined>();
  });

  test('have results of tasks that are listed', () => {
    const inner = createPlan('Inner', { outputs: ['a'] })
      .addTask({ id: 'a', run: () => 1 })
      .addTask({ id: 'b', run: () => 'text' });
    const plan = createPlan('Outer').addTask({ id: 'm', plan: inner });
    expectTypeOf<OutputsOf<typeof plan>['m']>().toEqualTypeOf<{ readonly a: number }>();
  });

  test('get values of the types of their inputs', () => {
    const plan = createPlan('Write').addTask({ id: 'write', run: () => ({ text: 'a', score: 1 }) });
    plan.addTask({ id: 'm', plan: review, with: { draft: 'text', strictness: 2 } });
    plan.addTask({ id: 'm', plan: review, with: { draft: 'text', strictness: '{{write.score}}' } });
    plan.addTask({
      id: 'm',
      dependencies: ['write'],
      plan: review,
      with: ({ write }) => ({ draft: write.text, strictness: write.score }),
    });
    // @ts-expect-error draft is missing.
    plan.addTask({ id: 'm', plan: review });
    // @ts-expect-error draft is missing.
    plan.addTask({ id: 'm', plan: review, with: { strictness: 2 } });
    // @ts-expect-error draft is a text.
    plan.addTask({ id: 'm', plan: review, with: { draft: 2 } });
    // @ts-expect-error there is no such input.
    plan.addTask({ id: 'm', plan: review, with: { draft: 'text', tone: 'kind' } });
    // @ts-expect-error with has no effect without a plan.
    plan.addTask({ id: 'm', description: 'Write', with: { draft: 'text' } });
  });

  test('get items of the type of their list', () => {
    const plan = createPlan('Write')
      .addTask({ id: 'drafts', run: () => [{ text: 'a' }] })
      .addTask({
        id: 'reviews',
        dependencies: ['drafts'],
        forEach: 'drafts',
        plan: review,
        with: ({ item, index }) => {
          expectTypeOf(item).toEqualTypeOf<{ text: string }>();
          return { draft: item.text, strictness: index };
        },
      });
    type Item = Extract<OutputsOf<typeof plan>['reviews'][number], { status: 'completed' }>;
    expectTypeOf<Item['output']['verdict']>().toEqualTypeOf<boolean>();
  });

  test('may be plans of any origin', () => {
    const plan = createPlan('Outer').addTask({ id: 'm', plan: {} as Plan, with: { a: 1 } });
    expectTypeOf<OutputsOf<typeof plan>['m']>().toEqualTypeOf<Readonly<Record<string, unknown>>>();
  });
});
