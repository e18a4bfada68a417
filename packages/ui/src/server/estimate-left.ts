import type { RunModel, TaskModel } from '../model/run-model.js';
import { endOf } from '../view/run-view.js';

/** With fewer completed tasks than this there is no estimate. */
const LEAST_COMPLETED = 3;

/**
 * How long a run will probably still take: the work that is left, done by as many tasks at once as so
 * far, but at least the longest chain of tasks that have not settled.
 */
export function estimateLeft({
  tasks,
  now,
  status,
  isPaused,
  figures,
}: RunModel): number | undefined {
  if (status !== 'running' || isPaused) return undefined;
  const lengths = new Map<string, { sum: number; count: number }>();
  let sum = 0;
  let count = 0;
  for (const task of tasks) {
    if (task.status !== 'completed' || !works(task)) continue;
    const length = (task.end ?? 0) - (task.start ?? 0);
    const kind = lengths.get(kindOf(task)) ?? { sum: 0, count: 0 };
    lengths.set(kindOf(task), { sum: kind.sum + length, count: kind.count + 1 });
    sum += length;
    count++;
  }
  if (count < LEAST_COMPLETED) return undefined;
  const usual = (task: TaskModel): number => {
    const kind = lengths.get(kindOf(task));
    return kind === undefined ? sum / count : kind.sum / kind.count;
  };
  const left = new Map<string, number>();
  const chains = new Map<string, number>();
  let work = 0;
  for (const task of tasks) {
    if (!['pending', 'running', 'retrying'].includes(task.status) || !works(task)) continue;
    const last = task.segments.at(-1);
    const ran = last !== undefined && last.to === undefined ? endOf(last, now) - last.from : 0;
    const length = Math.max(usual(task) - ran, usual(task) / 10);
    left.set(task.id, length);
    work += length;
  }
  let longest = 0;
  for (const task of [...tasks].sort((a, b) => a.level - b.level)) {
    const before = Math.max(0, ...task.inputs.map((input) => chains.get(input) ?? 0));
    const chain = before + (left.get(task.id) ?? 0);
    chains.set(task.id, chain);
    // A group ends with its tasks.
    if (task.parent !== undefined) {
      chains.set(task.parent, Math.max(chains.get(task.parent) ?? 0, chain));
    }
    longest = Math.max(longest, chain);
  }
  const atOnce = Math.max(1, Math.min(figures.workMs / Math.max(now, 1), figures.peak));
  return Math.max(longest, work / atOnce);
}

/** Groups and people do no work of their own. */
function works({ children, human }: TaskModel): boolean {
  return children === undefined && human === undefined;
}

/** Tasks whose ids differ in numbers alone take about as long as each other. */
function kindOf({ id, parent }: TaskModel): string {
  return parent ?? id.replace(/\d+/g, '#');
}
