import { PassThrough } from 'node:stream';
import type { EvaluatedCase, Evaluation } from '@stratagem/evals';
import { expect, test } from 'vitest';
import { comparisonText } from './test-report.js';

const stream = Object.assign(new PassThrough(), { columns: 80 }) as unknown as NodeJS.WriteStream;

function evaluationOf(passed: Readonly<Record<string, boolean>>): Evaluation {
  const usage = { inputTokens: 0, outputTokens: 0 };
  const spent = { usage: usage as Evaluation['usage'], costUsd: 0 };
  const cases = Object.entries(passed).map(([name, passed]): EvaluatedCase => {
    return { name, passed, runId: name, checks: [], outputs: {}, durationMs: 10, ...spent };
  });
  const count = cases.filter((each) => each.passed).length;
  const [failed, passRate] = [cases.length - count, count / cases.length];
  return { cases, passed: count, failed, passRate, notRun: [], ...spent };
}

test('shows cases that a signal has stopped in one of the variants alone', () => {
  const variants = [
    { name: 'one', evaluation: evaluationOf({ a: true }) },
    { name: 'two', evaluation: evaluationOf({ a: true, b: false }) },
  ];
  const text = comparisonText(variants, stream);
  expect(text).toMatch(/\nb +– +✗\n/);
  expect(text).toContain('1 of 2 cases ended the same');
});
