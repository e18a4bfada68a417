import type { EventData } from '../contract/journal.js';

const ENDS: readonly string[] = ['task_completed', 'task_failed', 'task_skipped', 'task_canceled'];

/** The events that ended the tasks, by task. A task that was retried afterwards has not ended. */
export function lastEnds(log: readonly EventData[]): ReadonlyMap<string, EventData> {
  const ends = new Map<string, EventData>();
  for (const event of log) {
    const { type, taskId } = event;
    if (taskId !== undefined && ENDS.includes(type)) ends.set(taskId, event);
    if (type !== 'run_resumed') continue;
    const retried = (event.retried ?? []) as unknown as readonly { readonly taskId: string }[];
    for (const each of retried) ends.delete(each.taskId);
  }
  return ends;
}
