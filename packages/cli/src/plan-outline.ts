import { styleText } from 'node:util';
import { Graph, type Plan, type Task } from '@stratagem/core';
import stringWidth from 'string-width';
import { onOneLine, padTo } from './terminal-text.js';

/** More tasks than these are counted instead of shown. */
const MAX_ROWS = 100;
const MAX_ID_WIDTH = 40;
const WIDTH = 160;

/** A plan for people to look at before it is run: a line a task, with what it waits for. */
export function planOutline(plan: Plan, stream: NodeJS.WriteStream): string {
  const { size } = new Graph(plan.tasks);
  const count = size === 1 ? '1 task' : `${size} tasks`;
  const rows = rowsOf(plan.tasks, 0);
  const width = Math.min(
    MAX_ID_WIDTH,
    Math.max(...rows.map(([id, , depth]) => depth + widthOf(id))),
  );
  const lines = rows.slice(0, MAX_ROWS).map(([id, task, depth]) => {
    const name = padTo(`${' '.repeat(depth)}${onOneLine(id, MAX_ID_WIDTH)}`, width);
    const line = onOneLine(task.description ?? '', WIDTH);
    return `  ${styleText('bold', name, { stream })}  ${line}${after(task, stream)}`.trimEnd();
  });
  if (rows.length > MAX_ROWS) lines.push(`  … and ${rows.length - MAX_ROWS} more`);
  return `The plan, ${count}:\n${lines.join('\n')}\n`;
}

type Row = readonly [id: string, task: Task, depth: number];

function rowsOf(tasks: readonly Task[], depth: number): Row[] {
  return tasks.flatMap((task) => [
    [task.id, task, depth] as const,
    ...rowsOf(task.subtasks ?? [], depth + 2),
  ]);
}

function after({ dependencies = [], tools = [] }: Task, stream: NodeJS.WriteStream): string {
  const names = tools.map((tool) => (typeof tool === 'string' ? tool : tool.name));
  const parts = [
    ...(dependencies.length > 0 ? [`after ${dependencies.join(', ')}`] : []),
    ...(names.length > 0 ? [`with ${names.join(', ')}`] : []),
  ];
  if (parts.length === 0) return '';
  return styleText('dim', `  (${onOneLine(parts.join('; '), WIDTH)})`, { stream });
}

function widthOf(id: string): number {
  return stringWidth(onOneLine(id, MAX_ID_WIDTH));
}
