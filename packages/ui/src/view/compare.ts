import { type RunView, runMsOf } from './run-view.js';

export interface FigureRow {
  readonly name: string;
  readonly unit: 'ms' | 'times' | 'count' | 'usd';
  /** Undefined when unknown. */
  readonly a: number | undefined;
  readonly b: number | undefined;
  readonly isLessBetter: boolean;
}

interface TaskChange {
  readonly id: string;
  readonly aMs: number;
  readonly bMs: number;
}

export interface Comparison {
  readonly figures: readonly FigureRow[];
  /** The tasks that completed in both runs, by how much their times differ. */
  readonly changes: readonly TaskChange[];
}

const MOST_CHANGES = 9;

/** Compares two runs. */
export function compareRuns(a: RunView, b: RunView): Comparison {
  const row = (
    name: string,
    unit: FigureRow['unit'],
    isLessBetter: boolean,
    value: (view: RunView) => number | undefined,
  ): FigureRow => ({ name, unit, isLessBetter, a: value(a), b: value(b) });
  return {
    figures: [
      row('Duration', 'ms', true, ({ now }) => now),
      row('Speed-up', 'times', false, ({ model }) => model.figures.speedup),
      row('Completed tasks', 'count', false, ({ model }) => model.figures.counts.completed),
      row('Failed tasks', 'count', true, ({ model }) => model.figures.counts.failed),
      row('Attempts that failed', 'count', true, failedAttempts),
      row('Waiting for a free slot, critical path', 'ms', true, ({ model }) => model.sums.cap ?? 0),
      row('Rate-limit pauses, critical path', 'ms', true, ({ model }) => model.sums.limit ?? 0),
      row('Tokens', 'count', true, ({ model }) => {
        return model.figures.inputTokens + model.figures.outputTokens;
      }),
      row('Cost', 'usd', true, ({ model }) => model.figures.costUsd ?? undefined),
    ],
    changes: changesBetween(a, b),
  };
}

function failedAttempts({ model }: RunView): number {
  let failed = 0;
  for (const { segments } of model.tasks) {
    for (const { kind } of segments) if (kind === 'fail') failed++;
  }
  return failed;
}

function changesBetween(a: RunView, b: RunView): TaskChange[] {
  const changes: TaskChange[] = [];
  for (const task of a.model.tasks) {
    const other = b.byId.get(task.id);
    if (task.status !== 'completed' || other?.status !== 'completed') continue;
    if (task.children !== undefined || task.human !== undefined) continue;
    changes.push({ id: task.id, aMs: runMsOf(task, a.now), bMs: runMsOf(other, b.now) });
  }
  const by = ({ aMs, bMs }: TaskChange) => Math.abs(bMs - aMs);
  return changes
    .filter((change) => by(change) >= 0.5)
    .sort((first, second) => by(second) - by(first))
    .slice(0, MOST_CHANGES);
}
