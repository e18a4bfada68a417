import { styleText } from 'node:util';
import { Graph, type Plan, type Task } from '@stratagem/core';
import { onOneLine } from './terminal-text.js';

/** More tasks than these are counted instead of shown. */
const MAX_ROWS = 100;
const MAX_ID_WIDTH = 60;
/** Of a prompt, so much is shown: enough to judge it by. */
const MAX_PROMPT_WIDTH = 400;

/** A plan for people to look at before it is run: each task, what it waits for, and its prompt. */
export function planOutline(plan: Plan, stream: NodeJS.WriteStream): string {
  const { size } = new Graph(plan.tasks);
  const count = size === 1 ? '1 task' : `${size} tasks`;
  const rows = rowsOf(plan.tasks, 1);
  const blocks = rows.slice(0, MAX_ROWS).map(([task, depth]) => block(task, depth, stream));
  if (rows.length > MAX_ROWS) blocks.push(`  … and ${rows.length - MAX_ROWS} more`);
  return `The plan has ${count}.\n\n${blocks.join('\n')}\n\n`;
}

type Row = readonly [task: Task, depth: number];

function rowsOf(tasks: readonly Task[], depth: number): Row[] {
  return tasks.flatMap((task) => [
    [task, depth] as const,
    ...rowsOf(task.subtasks ?? [], depth + 1),
  ]);
}

function block(task: Task, depth: number, stream: NodeJS.WriteStream): string {
  const indent = '  '.repeat(depth);
  const id = styleText('bold', onOneLine(task.id, MAX_ID_WIDTH), { stream });
  const needs = needsOf(task);
  const after = needs === '' ? '' : styleText('dim', `  ${needs}`, { stream });
  const prompt = onOneLine(task.description ?? '', MAX_PROMPT_WIDTH);
  return `${indent}${id}${after}${prompt === '' ? '' : `\n${indent}  ${prompt}`}`;
}

/** `after gather, with search` */
function needsOf({ dependencies = [], tools = [] }: Task): string {
  const names = tools.map((tool) => (typeof tool === 'string' ? tool : tool.name));
  const parts = [
    ...(dependencies.length > 0 ? [`after ${dependencies.join(', ')}`] : []),
    ...(names.length > 0 ? [`with ${names.join(', ')}`] : []),
  ];
  return onOneLine(parts.join('; '), MAX_PROMPT_WIDTH);
}
