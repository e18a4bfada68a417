import { expect, test } from 'vitest';
import type { EvaluatedCase } from './evaluate.js';
import { junitReport } from './junit.js';

const common = { runId: 'r', outputs: {}, costUsd: 0, usage: { inputTokens: 0, outputTokens: 0 } };

test('a report names each case, and why it failed', () => {
  const cases: EvaluatedCase[] = [
    { ...common, name: 'good', passed: true, durationMs: 1_500, checks: [] },
    {
      ...common,
      name: 'bad <"&\u0001\ud800\r\t😀',
      passed: false,
      durationMs: 250,
      checks: [
        { kind: 'equals', output: 'report', passed: false, message: 'it is "x"' },
        { kind: 'judge', passed: false, score: 0.2, message: 'too <short>' },
        { kind: 'contains', passed: true },
      ],
    },
  ];
  const evaluation = { cases, passed: 1, failed: 1, passRate: 0.5, notRun: ['late'], ...common };
  expect(
    junitReport([{ name: 'plan.yaml', evaluation }]),
  ).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1" time="1.750">
  <testsuite name="plan.yaml" tests="3" failures="1" skipped="1" time="1.750">
    <testcase classname="plan.yaml" name="good" time="1.500"/>
    <testcase classname="plan.yaml" name="bad &lt;&quot;&amp;\ufffd\ufffd&#13;&#9;😀" time="0.250">
      <failure message="equals of report: it is &quot;x&quot;">equals of report: it is &quot;x&quot;&#10;judge (score 0.2): too &lt;short&gt;</failure>
    </testcase>
    <testcase classname="plan.yaml" name="late">
      <skipped message="it was stopped"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});

test('each variant is a suite of its own, and the sums are of all of them', () => {
  const cases: EvaluatedCase[] = [
    { ...common, name: 'a', passed: true, durationMs: 500, checks: [] },
    { ...common, name: 'b', passed: false, durationMs: 250, checks: [] },
  ];
  const one = { cases, passed: 1, failed: 1, passRate: 0.5, notRun: [], ...common };
  const other = { ...one, cases: cases.slice(0, 1), failed: 0, notRun: ['b'] };
  const report = junitReport([
    { name: 'small', evaluation: one },
    { name: 'large', evaluation: other },
  ]);
  expect(report.split('\n').filter((line) => line.includes('<test'))).toEqual([
    '<testsuites tests="4" failures="1" skipped="1" time="1.250">',
    '  <testsuite name="small" tests="2" failures="1" skipped="0" time="0.750">',
    '    <testcase classname="small" name="a" time="0.500"/>',
    expect.stringContaining('<testcase classname="small" name="b"'),
    '  <testsuite name="large" tests="2" failures="0" skipped="1" time="0.500">',
    '    <testcase classname="large" name="a" time="0.500"/>',
    '    <testcase classname="large" name="b">',
  ]);
});

test.each([[[]], [{}], [[{ name: 'plan.yaml' }]]])('%j is refused', (given) => {
  expect(() => junitReport(given as never)).toThrow('junitReport() takes a list of variants');
});
