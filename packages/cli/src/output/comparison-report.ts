import { bar } from './bar.js';
import { canvasFor } from './canvas.js';
import { formatCost } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { onOneLine } from './terminal-text.js';

/** One way to run the plan. */
export interface ComparisonRow {
  readonly strategy: string;
  readonly maxParallel: number;
  readonly status: string;
  readonly durationMs: number;
  readonly completedTasks: number;
  readonly peakConcurrency: number;
  /** Null for a simulation, and when the price of some tokens is unknown. */
  readonly costUsd: number | null;
}

export interface Comparison {
  readonly goal: string;
  /** `simulated in virtual time: fixed latency`, or the runner. */
  readonly on: string;
  readonly assumptions: readonly string[];
  readonly rows: readonly ComparisonRow[];
}

/** The ways side by side, with a bar for each duration and what the fastest one gains. */
export function comparisonReport(
  { goal, on, assumptions, rows }: Comparison,
  stream: NodeJS.WriteStream,
): string {
  const { style, width } = canvasFor(stream);
  const longest = Math.max(1, ...rows.map(({ durationMs }) => durationMs));
  const completed = rows.filter(({ status }) => status === 'completed');
  const fastest = Math.min(...completed.map(({ durationMs }) => durationMs));
  const hasCosts = rows.some(({ costUsd }) => costUsd !== null && costUsd > 0);
  const [base] = rows;
  const room = Math.max(0, width - 54 - (hasCosts ? 9 : 0));
  const heading = `  ${'strategy'.padEnd(11)}${'limit'.padStart(6)}${'peak'.padStart(6)}${'duration'.padStart(12)}${'speed-up'.padStart(10)}${hasCosts ? 'cost'.padStart(9) : ''}`;
  const lines = rows.map((row) => {
    const { strategy, maxParallel, peakConcurrency, durationMs, status, costUsd } = row;
    const isFastest = status === 'completed' && durationMs === fastest;
    const gain = base === undefined ? 1 : base.durationMs / Math.max(durationMs, 1);
    const figures = [
      strategy.padEnd(11),
      `${maxParallel}`.padStart(6),
      `${peakConcurrency}`.padStart(6),
      formatDuration(durationMs).padStart(12),
      (status === 'completed' ? `${gain.toFixed(1)}×` : status).padStart(10),
      hasCosts ? formatCost(costUsd).padStart(9) : '',
    ].join('');
    const colour = status !== 'completed' ? 'red' : isFastest ? 'green' : 'cyan';
    const drawn = room < 6 ? '' : `  ${style(colour, bar(durationMs / longest, room))}`;
    return `  ${isFastest ? style('bold', figures) : figures}${drawn}`;
  });
  return [
    `${style('bold', onOneLine(goal, width))}`,
    onOneLine(on, width),
    '',
    style('dim', heading),
    ...lines,
    ...(assumptions.length === 0
      ? []
      : ['', 'Assumptions:', ...assumptions.map((each) => `  ${each}`)]),
    '',
  ].join('\n');
}
