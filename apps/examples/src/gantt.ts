import type { PlanResult, TaskResult } from '@stratagem/core';

const LABEL = 150;
const CHART = 560;
const ROW = 24;
const TOP = 44;
const MARGIN = 20;
const COLOURS = ['#4c78a8', '#f58518', '#54a24b', '#b279a2', '#e45756', '#72b7b2'];

/**
 * Draws a run as an SVG picture with a row per task: a bar while the task ran, coloured by level, and
 * a dotted line while it was ready but waited to start.
 */
export function drawGantt(result: PlanResult): string {
  const begin = result.timeline[0]?.timestamp ?? 0;
  const { executionTimeMs, totalWorkMs, speedup, peakConcurrency } = result.metrics;
  const x = (timestamp: number) =>
    Math.round(LABEL + ((timestamp - begin) / executionTimeMs) * CHART);
  const waits = new Map<string, number>();
  for (const event of result.timeline) {
    if (event.type === 'task_started') waits.set(event.taskId, event.waitMs);
  }

  const rows = result.tasks.map((task, row) => {
    const y = TOP + row * ROW;
    return [text(LABEL - 10, y + 15, task.id, 'end'), ...bar(task, waits, y, x)].join('');
  });
  const bottom = TOP + rows.length * ROW;
  const seconds = Array.from({ length: Math.floor(executionTimeMs / 1000) + 1 }, (_, second) => {
    const at = x(begin + second * 1000);
    const line = `<path d="M${at} ${TOP - 6}V${bottom}" stroke="#ddd"/>`;
    return line + text(at, bottom + 16, `${second} s`, 'middle', '#777');
  });
  const title =
    `${result.tasks.length} tasks, at most ${peakConcurrency} at once: ` +
    `${inSeconds(totalWorkMs)} of work in ${inSeconds(executionTimeMs)}, ${speedup.toFixed(1)} times as fast`;
  const [width, height] = [LABEL + CHART + MARGIN, bottom + 28];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#fff"/>`,
    text(MARGIN, 24, title, 'start', '#333', 14),
    ...seconds,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

function bar(
  { id, level, startedAt, completedAt }: TaskResult,
  waits: ReadonlyMap<string, number>,
  y: number,
  x: (timestamp: number) => number,
): string[] {
  if (startedAt === undefined || completedAt === undefined) return [];
  const readyAt = startedAt - (waits.get(id) ?? 0);
  const width = Math.max(1, x(completedAt) - x(startedAt));
  return [
    `<path d="M${x(readyAt)} ${y + 11}H${x(startedAt)}" stroke="#aaa" stroke-dasharray="2 3"/>`,
    `<rect x="${x(startedAt)}" y="${y + 3}" width="${width}" height="16" rx="3" fill="${COLOURS[level % COLOURS.length]}"/>`,
  ];
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  fill = '#333',
  size = 12,
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}" font-size="${size}">${escaped}</text>`;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
