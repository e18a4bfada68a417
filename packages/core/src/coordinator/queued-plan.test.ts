import { expect, test } from 'vitest';
import type { Json } from '../contract/journal.js';
import { PlanError } from '../contract/plan-error.js';
import { parsePlanDocument } from '../document/parse.js';
import { planToData } from '../serialize/plan.js';
import { optionsOf, planOf } from './queued-plan.js';

const queued = (plan: Json) => ({ id: 'a', goal: 'x', createdAt: 0, plan });

test.each<[string, object]>([
  [
    'inputs, outputs, schemas and settings',
    {
      goal: 'Report on {{inputs.company}}',
      inputs: {
        company: { type: 'string', description: 'The company' },
        year: { type: 'integer', default: 2026 },
        key: { type: 'string', secret: true, env: 'KEY' },
      },
      deadlineMs: 60_000,
      budget: { tokens: 10_000 },
      retry: { maxAttempts: 2, initialDelayMs: 5 },
      metadata: { owner: 'ä', list: [1, null, { deep: true }] },
      outputs: { report: 'report' },
      tasks: [
        {
          id: 'facts',
          description: 'Find',
          outputSchema: { type: 'array', items: { type: 'string' } },
        },
        {
          id: 'report',
          description: 'Write',
          dependencies: ['facts'],
          priority: 2,
          timeoutMs: 500,
        },
      ],
    },
  ],
  [
    'fan-outs, conditions, groups, decisions and human steps',
    {
      goal: 'Decide',
      tasks: [
        { id: 'list', description: 'List' },
        {
          id: 'each',
          description: 'Do {{item}}',
          dependencies: ['list'],
          forEach: { items: 'list' },
        },
        { id: 'ask', description: 'May it?', waitFor: 'approval', dependencies: ['each'] },
        {
          id: 'group',
          dependencies: ['ask', 'list'],
          when: { path: 'list.kind', operator: '==', value: 'yes' },
          subtasks: [{ id: 'part', description: 'Do part', tools: ['search'] }],
        },
      ],
    },
  ],
])('a submitted plan comes out as it went in: %s', (_, document) => {
  const submitted = planToData(parsePlanDocument(document).plan);
  const claimed = planOf(queued(JSON.parse(JSON.stringify(submitted))), new Map());
  // So a run that is taken over has the same plan as the one that was begun.
  expect(planToData(claimed)).toEqual(submitted);
});

test('a plan that is damaged, or not a plan, is refused with its problems', () => {
  for (const plan of [null, 'text', [], { goal: 'x' }]) {
    expect(() => planOf(queued(plan), new Map())).toThrow(PlanError);
  }
  expect(() =>
    planOf(queued({ goal: 'x', tasks: [{ id: 'a', dependencies: ['b'] }] }), new Map()),
  ).toThrow('"b"');
});

test('an option that cannot be submitted is refused by name', () => {
  const run = { ...queued({ goal: 'x', tasks: [] }), options: { maxParallel: 2 } };
  expect(optionsOf(run)).toEqual({ maxParallel: 2 });
  expect(() => optionsOf({ ...run, options: { journal: 'x' } })).toThrow('the option "journal"');
});
