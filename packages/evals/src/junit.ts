import { OptionError } from '@stratagem/core';
import type { EvaluatedCase, Evaluation } from './evaluate.js';
import { reasonsOf } from './reasons.js';

/** The results of a plan and a model, with their name. */
export interface EvaluatedVariant {
  /** Such as the file of the plan, or the model. */
  readonly name: string;
  readonly evaluation: Evaluation;
}

/**
 * A report in the format of JUnit, which servers for continuous integration read: a test suite for each variant.
 *
 * @throws {OptionError} for anything else than results of `evaluatePlan()` with names.
 *
 * @example
 * await writeFile('junit.xml', junitReport([{ name: 'plan.yaml', evaluation }]));
 */
export function junitReport(variants: readonly EvaluatedVariant[]): string {
  checkVariants(variants);
  const suites = variants.map(({ name, evaluation }) => {
    const { cases, failed, notRun } = evaluation;
    const durationMs = cases.reduce((sum, each) => sum + each.durationMs, 0);
    const figures = {
      tests: cases.length + notRun.length,
      failed,
      skipped: notRun.length,
      durationMs,
    };
    const lines = [
      `  <testsuite name="${escaped(name)}" ${attributesOf(figures)}>`,
      ...cases.flatMap((each) => caseLines(each, name)),
      ...notRun.flatMap((each) => skippedLines(each, name)),
      '  </testsuite>',
    ];
    return { figures, lines };
  });
  const total = (figure: keyof Figures) =>
    suites.reduce((sum, { figures }) => sum + figures[figure], 0);
  const all = {
    ...{ tests: total('tests'), failed: total('failed') },
    ...{ skipped: total('skipped'), durationMs: total('durationMs') },
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributesOf(all)}>`,
    ...suites.flatMap(({ lines }) => lines),
    '</testsuites>',
    '',
  ].join('\n');
}

interface Figures {
  readonly tests: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
}

function checkVariants(variants: unknown): void {
  if (Array.isArray(variants) && variants.length > 0 && variants.every(isEvaluated)) return;
  throw new OptionError(
    'junitReport() takes a list of variants: { name, evaluation }, each with a result of evaluatePlan()',
  );
}

function isEvaluated(variant: Partial<EvaluatedVariant> | undefined | null): boolean {
  const { cases, notRun } = Object(variant?.evaluation) as Partial<Evaluation>;
  return typeof variant?.name === 'string' && Array.isArray(cases) && Array.isArray(notRun);
}

function attributesOf({ tests, failed, skipped, durationMs }: Figures): string {
  const seconds = (durationMs / 1_000).toFixed(3);
  return `tests="${tests}" failures="${failed}" skipped="${skipped}" time="${seconds}"`;
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
  // Written as they are, parsers make spaces and line feeds of them.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Characters that XML cannot contain at all; halves of characters are among them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escaped(text: string): string {
  return text
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"\t\n\r]/g, (character: string) => ENTITIES[character] as string);
}
