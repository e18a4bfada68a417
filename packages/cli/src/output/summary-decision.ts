import type { PathSegment, RunAnalysis } from '@stratagem/core/analysis';
import { bar } from './bar.js';
import type { Canvas } from './canvas.js';
import { formatDuration } from './format-duration.js';
import { PART_LABELS } from './labels.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

/** Chains of so many tasks are drawn task by task. */
const MAX_ROWS = 4;
/** Parts below this share of the time are left out. */
const MIN_SHARE = 0.003;
const MAX_PARTS = 6;

/** "What decided the time": the tasks of the critical path, or its parts, and the slowest tasks. */
export function decisionLines(analysis: RunAnalysis, canvas: Canvas): string[] {
  const { criticalPath } = analysis;
  const { taskIds } = criticalPath;
  if (taskIds.length === 0) return [];
  const [first] = taskIds;
  const isOne = taskIds.length === 1;
  const room = canvas.width - 25;
  const which = isOne ? onOneLine(first as string, room) : `these ${taskIds.length} tasks`;
  const title = canvas.style('bold', 'What decided the time');
  const lines = ['', ` ${title}${canvas.style('dim', `  ${which}`)}`];
  const isWork = criticalPath.parts.every(({ part }) => part === 'work');
  if (isWork && taskIds.length <= MAX_ROWS) lines.push(...waterfall(analysis, canvas));
  else {
    lines.push(...partBars(analysis, canvas));
    if (!isOne) lines.push(`   ${canvas.style('dim', chainText(taskIds, canvas.width - 3))}`);
  }
  return [...lines, ...slowestLine(analysis, canvas)];
}

/** Each task of the chain as a bar at its time. */
function waterfall(analysis: RunAnalysis, canvas: Canvas): string[] {
  const { criticalPath, makespanMs, tasks } = analysis;
  const failed = new Set(tasks.filter(({ state }) => state === 'failed').map(({ id }) => id));
  const rows = stretchesOf(criticalPath.segments);
  const mostWidth = Math.min(24, Math.floor(canvas.width / 4));
  const labelWidth = Math.max(...rows.map(({ id }) => widthOf(onOneLine(id, mostWidth))));
  const width = Math.max(6, Math.min(40, canvas.width - labelWidth - 15));
  return rows.map(({ id, startMs, endMs }) => {
    const before = Math.min(width - 1, Math.round((startMs / makespanMs) * width));
    const left = width - before;
    const own = bar(Math.min(1, ((endMs - startMs) / makespanMs) * (width / left)), left);
    const drawn = `${canvas.style('dim', '░'.repeat(before))}${canvas.style(failed.has(id) ? 'red' : 'green', own)}`;
    const label = padTo(onOneLine(id, labelWidth), labelWidth);
    const duration = formatDuration(endMs - startMs).padStart(8);
    return `   ${label}  ${padTo(drawn, width)}  ${duration}`;
  });
}

/** From when to when the path went through each task, in order. */
function stretchesOf(segments: readonly PathSegment[]) {
  const rows: { id: string; startMs: number; endMs: number }[] = [];
  for (const { taskId, startMs, endMs } of segments) {
    const last = rows.at(-1);
    if (taskId === undefined) continue;
    if (last?.id === taskId) last.endMs = endMs;
    else rows.push({ id: taskId, startMs, endMs });
  }
  return rows;
}

/** The parts of the makespan, two in a line. */
function partBars({ criticalPath, makespanMs }: RunAnalysis, canvas: Canvas): string[] {
  const parts = criticalPath.parts
    .filter(({ ms }) => ms / makespanMs >= MIN_SHARE)
    .slice(0, MAX_PARTS);
  const isWide = canvas.width >= 70;
  const cellWidth = isWide ? Math.floor((canvas.width - 5) / 2) : canvas.width - 3;
  const most = Math.max(...parts.map(({ ms }) => ms));
  const cells = parts.map(({ part, ms }) => {
    const text = `${formatDuration(ms)}`;
    const room = cellWidth - 28;
    const share = `${Math.round((ms / makespanMs) * 100)} %`;
    const drawn = room < 3 ? '' : ` ${padTo(bar(ms / most, room), room)}`;
    const colour = part === 'work' ? 'green' : part === 'person' ? 'magenta' : 'yellow';
    const label = PART_LABELS[part].padEnd(11);
    return `${label}${canvas.style(colour, drawn)} ${text.padStart(room < 3 ? 8 : 9)} ${share.padStart(5)}`;
  });
  const lines: string[] = [];
  for (let position = 0; position < cells.length; position += isWide ? 2 : 1) {
    const [first = '', second = ''] = cells.slice(position, position + (isWide ? 2 : 1));
    lines.push(`   ${second === '' ? first : `${padTo(first, cellWidth)}  ${second}`}`.trimEnd());
  }
  return lines;
}

/** `brief › news › … › edit-2`: the first and the last tasks, as many as fit. */
function chainText(ids: readonly string[], width: number): string {
  const names = ids.map((id) => onOneLine(id, 30));
  const whole = names.join(' › ');
  if (widthOf(whole) <= width) return whole;
  const last = names.at(-1) as string;
  for (let count = names.length - 2; count > 0; count--) {
    const text = `${names.slice(0, count).join(' › ')} › … › ${last}`;
    if (widthOf(text) <= width) return text;
  }
  return onOneLine(`… › ${last}`, width);
}

/** Only for a plan that cannot be seen at a glance. */
function slowestLine(analysis: RunAnalysis, canvas: Canvas): string[] {
  if (analysis.counts.total < 8) return [];
  const slowest = analysis.slowest(3);
  if (slowest.length === 0) return [];
  const label = slowest.length === 1 ? 'slowest task' : 'slowest tasks';
  const names = slowest.map(({ id, ranMs, attempts }) => {
    const tries = attempts.length > 1 ? ` (${attempts.length} attempts)` : '';
    return `${onOneLine(id, 24)} ${formatDuration(ranMs)}${tries}`;
  });
  const room = canvas.width - 3;
  // A name without its duration says nothing: rather one task less.
  let text = onOneLine(`${label}: ${names[0]}`, room);
  for (const name of names.slice(1)) {
    if (widthOf(`${text}, ${name}`) > room) break;
    text = `${text}, ${name}`;
  }
  return [`   ${canvas.style('dim', text)}`];
}
