import type { EventLine, RunModel, TaskModel } from './run-model.js';

/** What changed in a model: everything small, and the tasks, events and steps that are new. */
export interface ModelDelta {
  readonly head: Omit<RunModel, 'tasks' | 'events' | 'concurrency'>;
  /** Positions and tasks. */
  readonly tasks: readonly (readonly [index: number, task: TaskModel])[];
  /** The number of events that stay, and those that follow. */
  readonly events: { readonly keep: number; readonly lines: readonly EventLine[] };
  readonly concurrency: { readonly keep: number; readonly steps: RunModel['concurrency'] };
}

/** The model after a change; without a model before it, the whole of it. */
export function applyDelta(before: RunModel | undefined, delta: ModelDelta): RunModel {
  const tasks = [...(before?.tasks ?? [])];
  for (const [index, task] of delta.tasks) tasks[index] = task;
  const { events, concurrency } = delta;
  return {
    ...delta.head,
    tasks,
    events: [...(before?.events ?? []).slice(0, events.keep), ...events.lines],
    concurrency: [...(before?.concurrency ?? []).slice(0, concurrency.keep), ...concurrency.steps],
  };
}
