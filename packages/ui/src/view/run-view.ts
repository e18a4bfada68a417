import type { RunModel, Segment, ShownStatus, TaskModel, Wait } from '../model/run-model.js';

/** A model with the lookups that every view needs. */
export interface RunView {
  readonly model: RunModel;
  readonly byId: ReadonlyMap<string, TaskModel>;
  /** The time up to which open segments are drawn. */
  readonly now: number;
}

export function viewOf(model: RunModel, now = model.now): RunView {
  return { model, byId: new Map(model.tasks.map((task) => [task.id, task])), now };
}

export const endOf = (stretch: Segment | Wait, now: number): number => stretch.to ?? now;

function sum(stretches: readonly (Segment | Wait)[], now: number): number {
  return stretches.reduce((total, each) => total + endOf(each, now) - each.from, 0);
}

/** How long attempts ran, failed ones included. */
export function runMsOf({ segments }: TaskModel, now: number): number {
  return sum(
    segments.filter(({ kind }) => kind === 'run' || kind === 'fail'),
    now,
  );
}

/** How long the task was ready and did not run. */
export function waitMsOf({ waits }: TaskModel, now: number): number {
  return sum(waits, now);
}

/** How long it took: the attempts, the answer of a person, or all children of a group. */
export function shownMsOf(task: TaskModel, now: number): number {
  if (task.children !== undefined) {
    return task.start === undefined ? 0 : (task.end ?? now) - task.start;
  }
  return task.human === undefined ? runMsOf(task, now) : sum(task.segments, now);
}

export function hasStarted(task: TaskModel): boolean {
  return task.start !== undefined;
}

/** First start of several tasks; Infinity when none has started or ended. */
export function firstStart(tasks: readonly TaskModel[]): number {
  let first = Infinity;
  for (const { start, end } of tasks) first = Math.min(first, start ?? end ?? Infinity);
  return first;
}

/** Last end of those that have started; `now` while one runs. */
export function lastEnd(tasks: readonly TaskModel[], now: number): number {
  let last = 0;
  for (const { start, end } of tasks) if (start !== undefined) last = Math.max(last, end ?? now);
  return last;
}

export function countStatuses(tasks: readonly TaskModel[]): Partial<Record<ShownStatus, number>> {
  const counts: Partial<Record<ShownStatus, number>> = {};
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const WORST: readonly ShownStatus[] = ['failed', 'running', 'retrying', 'waiting', 'completed'];

/** The status of a folded row of look-alikes: its worst. */
export function worstStatus(tasks: readonly TaskModel[]): ShownStatus {
  const counts = countStatuses(tasks);
  return WORST.find((status) => counts[status] !== undefined) ?? tasks[0]?.status ?? 'pending';
}

/** The tasks below a group, at any depth; the group itself is left out. */
export function descendantsOf(view: RunView, group: TaskModel): TaskModel[] {
  const found: TaskModel[] = [];
  const open = [...(group.children ?? [])].reverse();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const task = view.byId.get(id);
    if (task === undefined) continue;
    found.push(task);
    open.push(...[...(task.children ?? [])].reverse());
  }
  return found;
}
