import type { EvaluatedCase, Evaluation } from '@stratagem/evals';
import { reasonsOf } from '@stratagem/evals';
import { canvasFor, fitting, wrapped } from './canvas.js';
import { formatCost, spendingText } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

/** The lines of one reason. */
const MAX_LINES = 4;
const NAME_WIDTH = 40;

/** A case that has ended, with the reasons why it did not pass. */
export function caseText(evaluated: EvaluatedCase, stream: NodeJS.WriteStream): string {
  const { style, width } = canvasFor(stream);
  const { name, passed, durationMs, usage, costUsd } = evaluated;
  const mark = passed ? style('green', '✓') : style('red', '✗');
  const spent = spendingText(usage, costUsd);
  const facts = [formatDuration(durationMs), ...(spent === undefined ? [] : [spent])];
  const room = Math.max(10, width - 4);
  const reasons = passed ? [] : reasonsOf(evaluated);
  const lines = reasons.flatMap((reason) => wrapped(reason, room - 2, MAX_LINES));
  const head = `${onOneLine(name, NAME_WIDTH)}  ${style('dim', fitting(facts, room))}`;
  return [`  ${mark} ${head}`, ...lines.map((line) => `      ${line}`), ''].join('\n');
}

/** `8 of 10 passed (80 %) · 90 % are needed`. */
export function evaluationText(
  evaluation: Evaluation,
  minPass: number,
  stream: NodeJS.WriteStream,
): string {
  const { style } = canvasFor(stream);
  const { passRate, usage, costUsd } = evaluation;
  const isPassed = passRate >= minPass;
  const spent = spendingText(usage, costUsd);
  const parts = [
    style(
      !isPassed ? 'red' : evaluation.notRun.length > 0 ? 'yellow' : 'green',
      passedText(evaluation),
    ),
    ...(isPassed ? [] : [`${percent(minPass)} must pass`]),
    ...stoppedText(evaluation),
    ...(spent === undefined ? [] : [spent]),
  ];
  return `${parts.join(' · ')}\n`;
}

/** Cases that a signal has stopped, or kept from running. */
function stoppedText({ notRun }: Evaluation): string[] {
  return notRun.length === 0 ? [] : [`${notRun.length} did not run to the end`];
}

/** The cases that differ, and the sums of each variant side by side. */
export function comparisonText(
  variants: readonly { readonly name: string; readonly evaluation: Evaluation }[],
  stream: NodeJS.WriteStream,
): string {
  const { style, width } = canvasFor(stream);
  const evaluations = variants.map(({ evaluation }) => evaluation);
  // A signal may have stopped other cases in each of them.
  const names = [...new Set(evaluations.flatMap(({ cases }) => cases.map(({ name }) => name)))];
  const differing = names.flatMap((name) => {
    const marks = evaluations.map(({ cases }) => {
      const found = cases.find((each) => each.name === name);
      return found === undefined ? '–' : found.passed ? '✓' : '✗';
    });
    return new Set(marks).size > 1 ? [[name, ...marks]] : [];
  });
  const timeOf = ({ cases }: Evaluation) =>
    cases.reduce((sum, each) => sum + each.durationMs, 0) / Math.max(1, cases.length);
  const rows = [
    ['', ...variants.map(({ name }) => onOneLine(name, 30))],
    ...differing,
    ['passed', ...evaluations.map(passedText)],
    ['cost', ...evaluations.map(({ costUsd }) => formatCost(costUsd))],
    ['time of a case', ...evaluations.map((each) => formatDuration(timeOf(each)))],
  ];
  const cells = variants.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at + 1] ?? ''))));
  const room = width - cells.reduce((sum, each) => sum + each + 2, 0);
  const label = Math.min(NAME_WIDTH, Math.max(14, room));
  const lines = rows.map(([name = '', ...values]) =>
    [
      padTo(onOneLine(name, label), label),
      ...values.map((value, at) => padTo(value, cells[at] as number)),
    ]
      .join('  ')
      .trimEnd(),
  );
  const same = names.length - differing.length;
  const [head = '', ...others] = lines;
  const summary = style('dim', `${same} of ${names.length} cases ended the same`);
  return [style('bold', head), ...others, summary, ''].join('\n');
}

function passedText({ passed, cases, passRate }: Evaluation): string {
  return `${passed} of ${cases.length} passed (${percent(passRate)})`;
}

/** Rounded down, so that 100 % means all. */
function percent(share: number): string {
  return `${Math.floor(share * 1_000) / 10} %`;
}
