import type { RunEvent } from '@stratagem/core';

/** The output parts of all tasks, without their place in the run. */
export function outputPartsOf(timeline: readonly RunEvent[]): object[] {
  return timeline.flatMap((event) => {
    if (event.type !== 'task_output') return [];
    const { sequence: _, timestamp, type, taskId, level, attempt, ...part } = event;
    return [part];
  });
}
