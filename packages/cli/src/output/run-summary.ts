import { analyzeRun, type RunAnalysis } from '@stratagem/core/analysis';
import { divide } from './bar.js';
import { type Canvas, canvasFor, fitting, wrapped } from './canvas.js';
import type { DisplayableRun } from './displayable-run.js';
import { formatCost, formatCount, spendingText } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { exhaustedLoops } from './loop-words.js';
import { plural } from './plural.js';
import { lossesByReason } from './skip-reason.js';
import { decisionLines } from './summary-decision.js';
import { failureLines } from './summary-failures.js';
import { forTerminal, onOneLine, widthOf } from './terminal-text.js';

/** A command that the reader may want next. */
export interface NextCommand {
  readonly label: string;
  readonly command: string;
}

export interface SummaryOptions {
  /** The date of the price list behind the cost. */
  readonly pricesAsOf?: string | undefined;
  readonly commands?: readonly NextCommand[] | undefined;
  /** Where it is printed: for its colours and its width. */
  readonly stream?: NodeJS.WriteStream | undefined;
}

/** The lines that a summary may have: a terminal of 24 lines then shows all of it and the prompt. */
const MAX_LINES = 23;
const MAX_ERROR_LINES = 3;

/**
 * The summary of a run for the end of the screen: whether it worked, what failed, what decided the time,
 * and what to do next. At most 23 lines.
 */
export function runSummary(
  run: DisplayableRun,
  { pricesAsOf, commands = [], stream = process.stderr }: SummaryOptions = {},
): string {
  if (run.timeline.length === 0) return '';
  const analysis = analyzeRun(run.timeline);
  const canvas = canvasFor(stream);
  const head = headLines(run, analysis, pricesAsOf, canvas);
  const decision = analysis.makespanMs > 0 ? decisionLines(analysis, canvas) : [];
  const foot = [...figuresLine(run, canvas), ...commandLines(commands, canvas, stream.columns)];
  const room = MAX_LINES - head.length - decision.length - foot.length;
  const lines = [...head, ...failureLines(analysis, canvas, room), ...decision, ...foot];
  return `${lines.join('\n')}\n`;
}

const ENDINGS = {
  completed: ['green', '✓'],
  failed: ['red', '✗'],
  canceled: ['yellow', '⊘'],
  interrupted: ['yellow', '!'],
  running: ['cyan', '◔'],
  created: ['dim', '○'],
  queued: ['dim', '○'],
} as const;

function headLines(
  run: DisplayableRun,
  analysis: RunAnalysis,
  pricesAsOf: string | undefined,
  canvas: Canvas,
): string[] {
  const { goal, status, error, metrics, goalProgress } = run;
  const [colour, glyph] = ENDINGS[status];
  const title = onOneLine(goal, canvas.width - 3);
  const lines = ['', ` ${canvas.style(colour, glyph)} ${canvas.style('bold', title)}`];
  // Failed tasks are listed below; this is about a deadline, a budget, a journal. How to resume is below too.
  const hasCause =
    error !== undefined && error.code !== 'run_failed' && error.code !== 'run_interrupted';
  const isSaid =
    status === 'completed' || status === 'failed' || (status === 'canceled' && hasCause);
  const ended = isSaid ? [] : [status];
  const { forkedFrom } = analysis;
  const notes = [
    ...ended,
    ...(forkedFrom === undefined ? [] : [`forked from ${forkedFrom.runId}`]),
    ...(metrics.replanRounds > 0 ? [`replanned in ${plural(metrics.replanRounds, 'round')}`] : []),
    ...(goalProgress === undefined ? [] : [`goal ${Math.round(goalProgress.progress * 100)} %`]),
    ...exhaustedLoops(run.tasks),
    ...lossesByReason(run.tasks),
  ];
  if (notes.length > 0) lines.push(`   ${onOneLine(notes.join(' · '), canvas.width - 3)}`);
  if (hasCause) {
    const text = wrapped(error.message, canvas.width - 3, MAX_ERROR_LINES);
    lines.push(...text.map((line) => `   ${canvas.style(colour, line)}`));
  }
  return [...lines, '', countsLine(analysis, pricesAsOf, canvas), statusBar(analysis, canvas)];
}

/** `✗ 21 failed · ✓ 179 · – 1 skipped · 12.4 s · $0.03`: what went wrong comes first. */
function countsLine(
  analysis: RunAnalysis,
  pricesAsOf: string | undefined,
  { style, width }: Canvas,
): string {
  const { counts, makespanMs, metrics } = analysis;
  const { total, completed, failed, skipped, canceled } = counts;
  const left = total - completed - failed - skipped - canceled;
  const all = failed + skipped + canceled + left === 0;
  const parts = [
    failed > 0 ? style('red', `✗ ${failed} failed`) : '',
    all ? style('green', `✓ ${total} of ${total}`) : `${style('green', '✓')} ${completed}`,
    skipped > 0 ? `${style('yellow', '–')} ${skipped} skipped` : '',
    canceled > 0 ? `${style('yellow', '⊘')} ${canceled} canceled` : '',
    left > 0 ? `${style('dim', '○')} ${left} not done` : '',
    formatDuration(makespanMs),
    spendingText(metrics.usage, metrics.costUsd) ?? '',
  ].filter((part) => part !== '');
  const text = fitting(parts, width - 3);
  const dated = `${text} (prices of ${pricesAsOf})`;
  const isDated = pricesAsOf !== undefined && metrics.costUsd !== null && metrics.costUsd > 0;
  return `   ${isDated && widthOf(dated) <= width - 3 ? dated : text}`;
}

function statusBar({ counts }: RunAnalysis, { style, width }: Canvas): string {
  const { total, completed, failed, skipped, canceled } = counts;
  const lost = skipped + canceled;
  const [done = 0, bad = 0, none = 0, left = 0] = divide(Math.min(70, width - 4), [
    completed,
    failed,
    lost,
    total - completed - failed - lost,
  ]);
  const parts = [
    style('green', '█'.repeat(done)),
    style('red', '▓'.repeat(bad)),
    style('yellow', '░'.repeat(none)),
    style('dim', '░'.repeat(left)),
  ];
  return `   ${parts.join('')}`;
}

function figuresLine(run: DisplayableRun, { style, width }: Canvas): string[] {
  const { metrics } = run;
  const { speedup, peakConcurrency, usage, attempts } = metrics;
  if (attempts === 0) return [];
  const hasTokens = usage.inputTokens + usage.outputTokens > 0;
  const parts = [
    ...(hasUnknownWork(run) ? [] : speedTexts(speedup, peakConcurrency, run.status)),
    `peak ${peakConcurrency}`,
    ...(hasTokens
      ? [`${formatCount(usage.inputTokens)} tokens in`, `${formatCount(usage.outputTokens)} out`]
      : []),
  ];
  return ['', `   ${style('dim', onOneLine(fitting(parts, width - 3), width - 3))}`];
}

/**
 * Whether attempts have no end: those in flight, and those in flight when the process ended. Their work is unknown,
 * but its time has passed.
 */
function hasUnknownWork({ status, timeline }: DisplayableRun): boolean {
  if (status !== 'completed' && status !== 'failed' && status !== 'canceled') return true;
  return timeline.some((event) => event.type === 'run_resumed' && event.restarted.length > 0);
}

function speedTexts(speedup: number, peak: number, status: DisplayableRun['status']): string[] {
  const factor = speedup.toFixed(1);
  // Next to nothing has ended, so there is nothing to compare.
  if (factor === '0.0') return [];
  // Attempts that hardly overlapped: the peak says more.
  if (factor === '1.0') return peak > 1 ? [] : ['as fast as one at a time'];
  if (speedup > 1) return [`${factor}× faster than one at a time`];
  // Failed attempts took the time: that is no lack of speed.
  return status === 'completed' ? [`${factor}× the speed of one at a time`] : [];
}

/** The commands are printed whole, however narrow the terminal is: they are there to be copied. */
function commandLines(
  commands: readonly NextCommand[],
  { style }: Canvas,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  if (commands.length === 0) return [];
  const labelWidth = Math.max(...commands.map(({ label }) => label.length));
  const rows = commands.map(({ label, command }) => [label, forTerminal(command)] as const);
  const fits = rows.every(([, command]) => labelWidth + 4 + widthOf(command) < columns);
  return [
    '',
    ...rows.flatMap(([label, command]) =>
      fits
        ? [` ${style('bold', label.padEnd(labelWidth))}   ${command}`]
        : [` ${style('bold', label)}`, `   ${command}`],
    ),
  ];
}

/** The tokens and cost of a goal: of making the plan and of running it. */
export function planningLine(
  planning: DisplayableRun['metrics'],
  total: Pick<DisplayableRun['metrics'], 'usage' | 'costUsd'>,
  stream: NodeJS.WriteStream,
): string {
  const { usage, costUsd } = total;
  const parts = [
    `planning took ${formatDuration(planning.executionTimeMs)}`,
    `in all ${formatCount(usage.inputTokens)} tokens in, ${formatCount(usage.outputTokens)} out`,
    formatCost(costUsd),
  ];
  const { style, width } = canvasFor(stream);
  return `   ${style('dim', fitting(parts, width - 3))}\n`;
}
