import { type TaskRunner, tool } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { fixtureFiles, fixturesIn } from '../../test/fixtures.js';
import type { PlannerOptions } from '../options/planner-options.js';
import { formatAnswerProblem } from '../read/answer-problem.js';
import { decompose } from './decompose.js';
import { DecompositionError } from './decomposition-error.js';

const fixtures = fixtureFiles.map((file) => [file, fixturesIn(file)] as const);

const tools = ['web_search', 'calculator'].map((name) =>
  tool({ name, description: `The ${name}.`, inputSchema: z.object({}), execute: () => '' }),
);

/** A model that always returns the same answer, and counts its requests. */
function stubborn(output: unknown): TaskRunner & { asked: number } {
  return {
    name: 'stubborn',
    asked: 0,
    async run() {
      this.asked++;
      return { output };
    },
  };
}

function ask(runner: TaskRunner, options: PlannerOptions) {
  return decompose('Test', { runner, tools, complexity: 'complex', ...options });
}

describe.each(fixtures)('%s', (_, list) => {
  const usable = list.filter(({ plan }) => plan !== undefined);
  const unusable = list.filter(({ sentBack }) => sentBack !== undefined);

  test.each(usable)(
    'makes a plan from an answer: $name',
    async ({ answer, options, plan, repairs }) => {
      const runner = stubborn(answer);
      const made = await ask(runner, options);
      expect(made.plan.tasks).toEqual(plan);
      expect(made.repairs).toEqual(repairs);
      expect(made.plan.goal).toBe('Test');
      expect(made.rejectedAnswers).toEqual([]);
      expect(runner.asked).toBe(1);
    },
  );

  if (unusable.length > 0)
    test.each(unusable)('sends an answer back: $name', async ({ answer, options, sentBack }) => {
      const runner = stubborn(answer);
      const error = await ask(runner, options).then(
        () => undefined,
        (thrown) => thrown,
      );
      expect(error).toBeInstanceOf(DecompositionError);
      expect(error.code).toBe('invalid_output');
      expect(error.problems.map(formatAnswerProblem)).toEqual(sentBack);
      expect(error.answer).toBe(answer);
      expect(runner.asked).toBe(3);
    });
});

test('every fixture has one expectation, and there are many fixtures', () => {
  const all = fixtures.flatMap(([, list]) => list);
  for (const { name, plan, sentBack } of all) {
    expect((plan === undefined) !== (sentBack === undefined), name).toBe(true);
  }
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(80);
});
