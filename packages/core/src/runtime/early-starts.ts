import { asksModel, type Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { Command } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import { retain } from './commands.js';

type Start = Extract<Command, { type: 'start' }>;

/**
 * Takes out of the commands of a kernel the starts that need not wait until the disk has their events.
 *
 * If the power fails before that, the task starts again in the resumed run. So the second request must be
 * the same as the first one, with the same idempotency key. That holds for the first attempt at a task
 * that only asks a model and depends on no other task. A task with dependencies has to wait: they could
 * run again as well, with other outputs.
 *
 * @param durableTasks Tasks with a lower index are known to be durable.
 */
export function takeEarlyStarts(
  { commands, graph }: Pick<Kernel, 'commands' | 'graph'>,
  durableTasks: number,
): Start[] {
  const early: Start[] = [];
  // An abort gives up a place that a start may have got.
  if (commands.some(({ type }) => type !== 'start')) return early;
  retain(commands, (command) => {
    const isEarly = isRepeatable(command as Start, graph, durableTasks);
    if (isEarly) early.push(command as Start);
    return !isEarly;
  });
  return early;
}

function isRepeatable({ index, attempt }: Start, graph: Graph, durableTasks: number): boolean {
  if (index >= durableTasks || attempt !== 1 || graph.childCount(index) > 0) return false;
  const task = graph.tasks[index] as Task;
  if (!asksModel(task) || task.tools !== undefined || task.attachments !== undefined) return false;
  for (let at: number | undefined = index; at !== undefined; at = graph.parentOf(at)) {
    if (graph.dependencyCount(at) > 0) return false;
  }
  return true;
}
