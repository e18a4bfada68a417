import type { Fold } from './fold-tasks.js';
import { duration } from './format.js';
import { countStatuses, firstStart, hasStarted, lastEnd, runMsOf, shownMsOf } from './run-view.js';

/** The second line of a node: how long it took, or what is wrong with it. */
export function nodeWords(
  { kind, tasks }: Fold,
  now: number,
): { readonly text: string; readonly isBad: boolean } {
  const good = (text: string) => ({ text, isBad: false });
  const [task] = tasks;
  if (task === undefined) return good('no tasks');
  if (kind === 'task') {
    if (task.status === 'skipped' || task.status === 'canceled') return good(task.status);
    if (task.start === undefined) return good('not started');
    if (task.human !== undefined) return good(`person, ${duration(shownMsOf(task, now))}`);
    const tries = task.attempts > 1 ? ` · ${task.attempts} attempts` : '';
    const text = `${duration(runMsOf(task, now))}${tries}`;
    return task.status === 'failed' ? { text: `failed · ${text}`, isBad: true } : good(text);
  }
  const { failed = 0, skipped = 0 } = countStatuses(tasks);
  if (failed > 0) return { text: `${failed} failed`, isBad: true };
  if (skipped === tasks.length) return good('skipped');
  const started = tasks.filter(hasStarted);
  if (started.length === 0) return good('');
  return good(duration(lastEnd(started, now) - firstStart(started)));
}

/** Letters of a name that fit into a node. */
const ROOM = 19;

/** The name of a node; beside the number of tasks that it stands for, there is less room. */
export function nodeName({ kind, label, tasks }: Fold): string {
  const room = kind === 'task' ? ROOM : ROOM - 4 - String(tasks.length).length;
  if (label.length <= room) return label;
  // Look-alikes differ at both ends of their names.
  const end = kind === 'alike' ? Math.floor((room - 1) / 2) : 0;
  return `${label.slice(0, room - 1 - end)}…${end === 0 ? '' : label.slice(-end)}`;
}
