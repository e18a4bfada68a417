import { styleText } from 'node:util';
import type { Plan, Task } from '@stratagem/core';
import { Graph, writtenTasksOf } from '@stratagem/core/kernel';
import { plural } from './plural.js';
import { onOneLine } from './terminal-text.js';

/** More tasks than this are counted instead of shown. */
const MAX_ROWS = 100;
const MAX_ID_WIDTH = 60;
/** Enough of a prompt to judge it. */
const MAX_PROMPT_WIDTH = 400;

/** Formats a plan for review before it runs: each task with its dependencies and prompt. */
export function planOutline(plan: Plan, stream: NodeJS.WriteStream): string {
  const { size } = new Graph(plan.tasks);
  const rows = rowsOf(plan.tasks, 1);
  const blocks = rows.slice(0, MAX_ROWS).map(([task, depth]) => block(task, depth, stream));
  if (rows.length > MAX_ROWS) blocks.push(`  … and ${rows.length - MAX_ROWS} more`);
  return `The plan has ${plural(size, 'task')}.\n\n${blocks.join('\n')}\n\n`;
}

type Row = readonly [task: Task, depth: number];

function rowsOf(tasks: readonly Task[], depth: number): Row[] {
  return tasks.flatMap((task) => [
    [task, depth] as const,
    ...rowsOf(writtenTasksOf(task).tasks, depth + 1),
  ]);
}

function block(task: Task, depth: number, stream: NodeJS.WriteStream): string {
  const indent = '  '.repeat(depth);
  const id = styleText('bold', onOneLine(task.id, MAX_ID_WIDTH), { stream });
  const requirements = requirementsOf(task);
  const note = requirements === '' ? '' : styleText('dim', `  ${requirements}`, { stream });
  const prompt = onOneLine(task.description ?? '', MAX_PROMPT_WIDTH);
  return `${indent}${id}${note}${prompt === '' ? '' : `\n${indent}  ${prompt}`}`;
}

/** `depends on gather; uses search` */
function requirementsOf({ dependencies = [], runAfter, tools = [], plan }: Task): string {
  const names = tools.map((tool) => (typeof tool === 'string' ? tool : tool.name));
  const parts = [
    ...(dependencies.length > 0 ? [`depends on ${dependencies.join(', ')}`] : []),
    ...(runAfter === 'settled' ? ['runs also after failures'] : []),
    ...(runAfter === 'failure' ? ['runs only after a failure'] : []),
    ...(names.length > 0 ? [`uses ${names.join(', ')}`] : []),
    ...(plan !== undefined ? [`runs the plan: ${plan.goal}`] : []),
  ];
  return onOneLine(parts.join('; '), MAX_PROMPT_WIDTH);
}
