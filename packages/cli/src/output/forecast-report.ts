import type { Plan, TaskForecast } from '@stratagem/core';
import type { CostEstimate } from '../run/cost-estimate.js';
import { canvasFor } from './canvas.js';
import { formatCost, formatCount } from './format-amounts.js';
import { type Levels, levelCounts, levelRows } from './level-picture.js';
import { plural } from './plural.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

/** More rows than this are counted instead of shown. */
const MAX_ROWS = 200;
const MAX_ID_WIDTH = 32;
const MAX_RESOURCE_WIDTH = 28;
const UUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f-]{22}\b/;

/** What `run --dry-run` shows. */
export interface Forecast {
  readonly plan: Plan;
  readonly strategy: string;
  /** The maximum number of tasks at once; undefined without a limit. */
  readonly maxParallel: number | undefined;
  readonly tasks: readonly TaskForecast[];
  readonly cost: CostEstimate;
}

/** The document of `run --dry-run --json`. */
export function forecastDocument(forecast: Forecast): object {
  const { plan, strategy, maxParallel, tasks, cost } = forecast;
  return {
    goal: plan.goal,
    strategy,
    maxParallel: maxParallel ?? null,
    levels: levelCounts(levelsOfForecast(tasks)).levels,
    runs: tasks.filter(({ runs }) => runs).length,
    reused: tasks.filter(({ reason }) => reason === 'reused').length,
    cost,
    tasks: tasks.map(({ taskId, ...forecast }) => ({ id: taskId, ...forecast })),
  };
}

/** The tasks level by level: whether each would run, what does its work, and why. */
export function forecastReport(forecast: Forecast, stream: NodeJS.WriteStream): string {
  const { plan, tasks, strategy, maxParallel, cost } = forecast;
  const { style, width } = canvasFor(stream);
  const inLevels = levelsOfForecast(tasks);
  const { levels, widest } = levelCounts(inLevels);
  const running = tasks.filter(({ runs }) => runs).length;
  const hasUnknown = tasks.some(({ itemsUnknown }) => itemsUnknown);
  const items = hasUnknown ? ` and ${tasks.length === 1 ? 'its' : 'their'} items` : '';
  const most = Math.min(hasUnknown ? Infinity : widest, maxParallel ?? Infinity);
  const summary = [
    `${running} of ${plural(tasks.length, 'task')}${items} would run`,
    plural(levels, 'level'),
    `${strategy}, ${most === Infinity ? 'any number' : `up to ${most}`} at once`,
  ];
  const all = levelRows(inLevels);
  const shown = all.slice(0, MAX_ROWS);
  const groups = new Set(tasks.map(({ parentId }) => parentId));
  const cells = shown.map(({ index, depth, level }) => {
    const { taskId, runs, resource = '', message } = tasks[index] as TaskForecast;
    const indent = '  '.repeat(Math.min(depth, 5));
    return {
      level: level === undefined ? '' : `${level + 1}`,
      mark: style(runs ? 'cyan' : 'dim', runs ? '▸' : '–'),
      name: `${indent}${onOneLine(taskId, MAX_ID_WIDTH - indent.length)}`,
      does: runs ? 'run ' : 'skip',
      resource: onOneLine(runs && !groups.has(taskId) ? resource : '', MAX_RESOURCE_WIDTH),
      // The start of an id is enough.
      message: message.replace(UUID, '$1'),
    };
  });
  const widthBy = (key: 'level' | 'name' | 'resource') =>
    Math.max(0, ...cells.map((cell) => widthOf(cell[key])));
  const [levelWidth, nameWidth, resourceWidth] = [
    widthBy('level'),
    widthBy('name'),
    widthBy('resource'),
  ];
  const rows = cells.map(({ level, mark, name, does, resource, message }) => {
    const work = resourceWidth === 0 ? '' : `  ${padTo(resource, resourceWidth)}`;
    const number = style('dim', level.padStart(levelWidth));
    const row = ` ${number}  ${mark} ${padTo(name, nameWidth)}  ${does}${work}`;
    // Where it is read by a program, nothing is cut.
    const room = stream.isTTY ? Math.max(12, width - widthOf(row) - 2) : 200;
    return `${row}  ${onOneLine(message, room)}`.trimEnd();
  });
  if (all.length > shown.length)
    rows.push(` ${' '.repeat(levelWidth)}  … and ${all.length - shown.length} more`);
  const lines = [
    style('bold', onOneLine(plan.goal, width)),
    onOneLine(summary.join(' · '), width),
    onOneLine(costText(cost, hasUnknown), width),
    '',
    ...rows,
  ];
  return `${lines.join('\n')}\n`;
}

function levelsOfForecast(tasks: readonly TaskForecast[]): Levels {
  const positions = new Map(tasks.map(({ taskId }, index) => [taskId, index]));
  return {
    size: tasks.length,
    levelOf: (index) => tasks[index]?.level ?? 0,
    parentOf: (index) => positions.get(tasks[index]?.parentId ?? ''),
  };
}

/** `about 12.4k tokens, $0.42 · unknown for 2 tasks` */
function costText(
  { tokens, costUsd, unknownTasks, fromRunId }: CostEstimate,
  isByItems: boolean,
): string {
  if (tokens === null && costUsd === null) {
    if (unknownTasks === 0) return 'no cost: no paid model is called';
    if (isByItems) return 'cost unknown: it depends on the number of items';
    return 'cost unknown: no task has an estimate, and no run of this goal is recorded';
  }
  const amounts = [
    ...(tokens === null ? [] : [`${formatCount(tokens)} tokens`]),
    ...(costUsd === null ? [] : [formatCost(costUsd)]),
  ].join(', ');
  const parts = [
    `about ${amounts}${fromRunId === null ? '' : `, as in run ${fromRunId.slice(0, 8)}`}`,
    ...(unknownTasks === 0 ? [] : [`cost of ${plural(unknownTasks, 'task')} unknown`]),
  ];
  return parts.join(' · ');
}
