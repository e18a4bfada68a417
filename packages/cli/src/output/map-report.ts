import type { Forecast, MapQuestion, MapSummary, Range } from '@stratagem/datasets';
import { formatCost, formatCount } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { plural } from './plural.js';

/** What a map has done, for people. */
export function mapSummaryText(summary: MapSummary, pricesAsOf: string | undefined): string {
  const { rows, completed, failed, reused, restored, failuresByCode } = summary;
  const { usage, costUsd, durationMs } = summary;
  const counts = [
    `${completed.toLocaleString('en')} completed`,
    ...(failed > 0 ? [`${failed.toLocaleString('en')} failed`] : []),
    ...(reused > 0 ? [`${reused.toLocaleString('en')} reused`] : []),
    ...(restored > 0 ? [`${restored.toLocaleString('en')} done before`] : []),
  ];
  const lines = [`${plural(rows, 'row')}: ${counts.join(', ')}`];
  const codes = Object.entries(failuresByCode).sort(([, a], [, b]) => b - a);
  if (codes.length > 0) {
    lines.push(`  failed with ${codes.map(([code, count]) => `${code} (${count})`).join(', ')}`);
  }
  const tokens = usage === undefined ? 0 : usage.inputTokens + usage.outputTokens;
  const own = rows - restored;
  const isTimed = durationMs > 0 && own > 0;
  const rate = isTimed ? ` (${((own / durationMs) * 1_000).toFixed(1)} rows/s)` : '';
  const prices = pricesAsOf === undefined ? '' : `, prices of ${pricesAsOf}`;
  const cost = tokens === 0 && costUsd === 0 ? [] : [formatCost(costUsd) + prices];
  const used = tokens === 0 ? [] : [`${formatCount(tokens)} tokens`];
  // What the rows of an earlier map have used is a part of it.
  const [first = '', ...others] = [...used, ...cost];
  const spent = restored > 0 && first !== '' ? [`in all ${first}`, ...others] : [...used, ...cost];
  lines.push(`  ${[formatDuration(durationMs) + rate, ...spent].join(' · ')}`);
  lines.push(...laneLines(summary));
  return `${lines.join('\n')}\n`;
}

/** With several runners or a Batch API: what each has cost. */
function laneLines({ lanes }: MapSummary): string[] {
  const all = Object.entries(lanes);
  if (all.length < 2) return [];
  return all.map(([name, { requests, costUsd }]) => {
    const isBatch = /-batch\//.test(name) && costUsd !== null;
    // Batch APIs charge half of the usual price.
    const usual = isBatch ? `, ${formatCost(costUsd * 2)} without batches` : '';
    return `  ${name}: ${plural(requests, 'request')}, ${formatCost(costUsd)}${usual}`;
  });
}

/** What a map asks, and what it would take. */
export function mapQuestionText({ kind, rowsLeft, forecast }: MapQuestion): string {
  const rows = rowsLeft === undefined ? 'an unknown number of rows' : plural(rowsLeft, 'row');
  const text =
    kind === 'sample'
      ? `The sample is done: ${rows} ${rowsLeft === 1 ? 'is' : 'are'} left.`
      : `The plan has changed: ${rows} would be done again.`;
  if (forecast === undefined) return `${text}\n`;
  return `${text}\n${forecastText(forecast, rowsLeft)}`;
}

function forecastText(
  { rows, from, costUsd, tokens, timeMs }: Forecast,
  rowsLeft: number | undefined,
): string {
  const about =
    rowsLeft === undefined ? `each ${plural(rows, 'row')}` : rowsLeft === 1 ? 'it' : 'they';
  const figures = [
    ...(costUsd === undefined ? [] : [inRange(costUsd, formatCost)]),
    ...(tokens === undefined
      ? []
      : [`${inRange(tokens, (value) => formatCount(Math.round(value)))} tokens`]),
    ...(timeMs === undefined ? [] : [inRange(timeMs, formatDuration)]),
  ];
  const source = `judged by ${plural(from, 'row')}; with a probability of 80 % in the ranges`;
  // Rows that can be read once alone are not looked up before.
  const free = '  (rows whose answers are recorded or cached are free)\n';
  const text = `  ${about} would take about ${figures.join(' · ')}\n  (${source})\n`;
  return rowsLeft === undefined ? text + free : text;
}

/** `$12.40 ($10.10 to $14.70)` */
function inRange({ expected, low, high }: Range, format: (value: number) => string): string {
  return `${format(expected)} (${format(low)} to ${format(high)})`;
}
