import { Graph } from '@stratagem/core';
import { loadPlan } from '../load/load-plan.js';
import type { GraphFormat } from '../options/choices.js';
import { EXIT } from '../output/exit-code.js';
import { formatGraph } from '../output/graph-format.js';
import { write } from '../output/streams.js';
import { onOneLine } from '../output/terminal-text.js';

/** `stratagem validate` */
export async function validateCommand(file: string): Promise<number> {
  const { plan, strategy } = await loadPlan(file);
  const { size } = new Graph(plan.tasks);
  const tasks = size === 1 ? '1 task' : `${size} tasks`;
  const using = strategy === undefined ? '' : `, ${strategy.name}`;
  await write(process.stdout, `${onOneLine(plan.goal)}: ${tasks}${using}; the plan can be run\n`);
  return EXIT.completed;
}

/** `stratagem graph` */
export async function graphCommand(file: string, format: GraphFormat): Promise<number> {
  const { plan } = await loadPlan(file);
  await write(process.stdout, `${formatGraph(plan, format)}\n`);
  return EXIT.completed;
}
