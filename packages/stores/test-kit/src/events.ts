import type { EventData, Journal } from '@stratagem/core';

export function newRun(id: string) {
  return { id, goal: `goal of ${id}`, createdAt: 1_000 };
}

export function queued(id: string, tenant = '') {
  return { ...newRun(id), tenant, plan: { goal: `goal of ${id}`, tasks: [] } };
}

export function completed(sequence: number, output: string): EventData {
  const taskId = `task-${sequence}`;
  return { type: 'task_completed', sequence, timestamp: 1_000 + sequence, taskId, output };
}

export async function all(journal: Journal, runId: string): Promise<EventData[]> {
  const events: EventData[] = [];
  for await (const event of journal.read(runId)) events.push(event);
  return events;
}

/** A new run of a journal whose own limits are so short that a slow machine may exceed them. */
export async function createPatiently(journal: Journal, tries = 50): ReturnType<Journal['create']> {
  try {
    return await journal.create(newRun(`try-${tries}`));
  } catch (error) {
    if (tries === 1) throw error;
    // One that was given up may have been created, so that the next one has another id.
    return createPatiently(journal, tries - 1);
  }
}
