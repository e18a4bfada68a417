import { OptionError } from '@stratagem/core';
import type { EvaluatedCase, Evaluation } from './evaluate.js';
import { reasonsOf } from './reasons.js';

/**
 * A report in the format of JUnit, which servers for continuous integration read.
 *
 * @param name Of the test suite, such as the file of the plan.
 *
 * @example
 * await writeFile('junit.xml', junitReport(evaluation, 'plan.yaml'));
 */
export function junitReport(evaluation: Evaluation, name: string): string {
  if (!Array.isArray((evaluation as Evaluation | undefined | null)?.cases)) {
    throw new OptionError('junitReport() takes the result of evaluatePlan()');
  }
  const { cases, failed, notRun } = evaluation;
  const seconds = cases.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000;
  const tests = cases.length + notRun.length;
  const counts = `tests="${tests}" failures="${failed}" skipped="${notRun.length}" time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(name)}" ${counts}>`,
    ...cases.flatMap((each) => caseLines(each, name)),
    ...notRun.flatMap((each) => skippedLines(each, name)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseLines(evaluated: EvaluatedCase, suite: string): string[] {
  const { name, passed, durationMs } = evaluated;
  const time = (durationMs / 1_000).toFixed(3);
  const open = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}" time="${time}"`;
  if (passed) return [`${open}/>`];
  const reasons = reasonsOf(evaluated);
  const [first = ''] = reasons;
  return [
    `${open}>`,
    `      <failure message="${escaped(first)}">${escaped(reasons.join('\n'))}</failure>`,
    '    </testcase>',
  ];
}

function skippedLines(name: string, suite: string): string[] {
  return [
    `    <testcase classname="${escaped(suite)}" name="${escaped(name)}">`,
    '      <skipped message="it was stopped"/>',
    '    </testcase>',
  ];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** Characters that XML cannot contain at all; halves of characters are among them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escaped(text: string): string {
  return text
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"\n]/g, (character: string) => ENTITIES[character] as string);
}
