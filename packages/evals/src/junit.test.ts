import { expect, test } from 'vitest';
import type { EvaluatedCase } from './evaluate.js';
import { junitReport } from './junit.js';

const common = { runId: 'r', outputs: {}, costUsd: 0, usage: { inputTokens: 0, outputTokens: 0 } };

test('a report names each case, and why it failed', () => {
  const cases: EvaluatedCase[] = [
    { ...common, name: 'good', passed: true, durationMs: 1_500, checks: [] },
    {
      ...common,
      name: 'bad <"&\u0001\ud800',
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
  expect(junitReport(evaluation, 'plan.yaml')).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1" time="1.750">
  <testsuite name="plan.yaml" tests="3" failures="1" skipped="1" time="1.750">
    <testcase classname="plan.yaml" name="good" time="1.500"/>
    <testcase classname="plan.yaml" name="bad &lt;&quot;&amp;\ufffd\ufffd" time="0.250">
      <failure message="equals of report: it is &quot;x&quot;">equals of report: it is &quot;x&quot;&#10;judge (score 0.2): too &lt;short&gt;</failure>
    </testcase>
    <testcase classname="plan.yaml" name="late">
      <skipped message="it was stopped"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});
