import type { Cause, RunModel, Segment, ShownStatus, TaskModel } from '../model/run-model.js';
import { type Fold, foldTasks } from './fold-tasks.js';
import { firstStart, type RunView, worstStatus } from './run-view.js';

export type TimelineMode = 'groups' | 'tasks' | 'slots';

/** A stretch of time on a lane. */
export interface Bar {
  readonly kind: Segment['kind'] | 'wait';
  readonly cause?: Cause | undefined;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
  readonly segment?: Segment | undefined;
  readonly task: TaskModel;
  /** The sub-lane, of `of` in the lane. */
  readonly sub: number;
  readonly of: number;
}

export interface Row {
  readonly id: string;
  readonly label: string;
  readonly depth: number;
  readonly status: ShownStatus;
  readonly tasks: readonly TaskModel[];
  /** Set when a click folds or unfolds it. */
  readonly isFoldable: boolean;
  readonly isOpen: boolean;
}

export interface TimelineLayout {
  readonly mode: TimelineMode;
  /** Empty in the mode `slots`. */
  readonly rows: readonly Row[];
  /** The bars of each lane, in order of time. */
  readonly lanes: readonly (readonly Bar[])[];
  readonly heights: readonly number[];
  /** The number of rows with nothing in the window. */
  readonly hidden: number;
}

/** The mode that a run opens in. */
export function defaultMode({ tasks }: RunModel): TimelineMode {
  if (tasks.length <= 40) return 'tasks';
  return tasks.length <= 400 ? 'groups' : 'slots';
}

/** More nodes than this are folded by look-alikes in the mode `groups`. */
const MOST_ROWS = 30;

/** @param isCompact Lanes of 14 px, for comparisons. */
export function layoutTimeline(
  view: RunView,
  mode: TimelineMode,
  open: ReadonlySet<string>,
  isCompact = false,
): TimelineLayout {
  return mode === 'slots' ? layoutSlots(view, isCompact) : layoutRows(view, mode, open);
}

function layoutSlots(view: RunView, isCompact: boolean): TimelineLayout {
  const bars: Omit<Bar, 'sub' | 'of'>[] = [];
  for (const task of view.model.tasks) {
    if (task.human !== undefined) continue;
    for (const segment of task.segments) {
      if (segment.kind === 'backoff') continue;
      const { kind, from, to = Infinity } = segment;
      bars.push({ kind, from, to, segment, task });
    }
  }
  bars.sort((first, second) => first.from - second.from || first.to - second.to);
  const lanes: Bar[][] = [];
  const ends: number[] = [];
  for (const bar of bars) {
    const lane = firstFree(ends, bar.from);
    ends[lane] = bar.to;
    lanes[lane] ??= [];
    lanes[lane].push({ ...bar, sub: 0, of: 1 });
  }
  const height = isCompact ? 14 : laneHeight(lanes.length);
  return { mode: 'slots', rows: [], lanes, heights: lanes.map(() => height), hidden: 0 };
}

function laneHeight(lanes: number): number {
  if (lanes <= 8) return 28;
  if (lanes <= 24) return 22;
  if (lanes <= 40) return 14;
  return lanes <= 80 ? 8 : 4;
}

function firstFree(ends: readonly number[], from: number): number {
  const lane = ends.findIndex((end) => end <= from + 0.01);
  return lane < 0 ? ends.length : lane;
}

function layoutRows(view: RunView, mode: TimelineMode, open: ReadonlySet<string>): TimelineLayout {
  const height = view.model.tasks.length > 400 && mode === 'tasks' ? 18 : 26;
  const limit = mode === 'tasks' ? Number.POSITIVE_INFINITY : MOST_ROWS;
  const rows: Row[] = [];
  const lanes: Bar[][] = [];
  const heights: number[] = [];
  for (const fold of inOrder(foldTasks(view, limit, open), open)) {
    const { id, label, depth, tasks, isOpen = false } = fold;
    const isFoldable = fold.kind !== 'task';
    const status = statusOf(fold);
    rows.push({ id, label, depth, status, tasks, isFoldable, isOpen });
    if (isFoldable) {
      const { bars, subLanes } = pack(tasks);
      lanes.push(bars);
      heights.push(Math.max(height, Math.min(66, 9 + subLanes * 4.75)));
    } else {
      lanes.push(barsOf(tasks[0] as TaskModel));
      heights.push(height);
    }
  }
  return { mode, rows, lanes, heights, hidden: 0 };
}

/** A group counts by its own status; look-alikes take their worst. */
export function statusOf({ group, tasks }: Fold): ShownStatus {
  if (group === undefined) return worstStatus(tasks);
  // An open group only waits for its children.
  return group.status === 'running' ? worstStatus(tasks) : group.status;
}

/** By first start, then by level; the children of an open group follow it. */
function inOrder(folds: readonly Fold[], open: ReadonlySet<string>): Fold[] {
  const byParent = new Map<string | undefined, Fold[]>();
  for (const fold of folds) {
    const parent = (fold.group ?? fold.tasks[0])?.parent;
    const place = parent !== undefined && open.has(parent) ? parent : undefined;
    const siblings = byParent.get(place);
    if (siblings === undefined) byParent.set(place, [fold]);
    else siblings.push(fold);
  }
  const starts = new Map(
    folds.map((fold) => [fold, firstStart(fold.group ? [fold.group, ...fold.tasks] : fold.tasks)]),
  );
  const level = ({ tasks: [first] }: Fold) => first?.level ?? 0;
  const ordered: Fold[] = [];
  const visit = (parent: string | undefined) => {
    const siblings = byParent.get(parent) ?? [];
    siblings.sort((a, b) => {
      const [first, second] = [starts.get(a) ?? 0, starts.get(b) ?? 0];
      return first === second ? level(a) - level(b) : first - second;
    });
    for (const fold of siblings) {
      ordered.push(fold);
      if (fold.isOpen) visit(fold.id);
    }
  };
  visit(undefined);
  return ordered;
}

/** Shorter waits than this are not drawn. */
const LEAST_WAIT_MS = 5;

function barsOf(task: TaskModel, sub = 0, of = 1): Bar[] {
  const segments = task.segments.map((segment): Bar => {
    const { kind, from, to = Infinity } = segment;
    return { kind, from, to, segment, task, sub, of };
  });
  if (of > 1) return segments;
  const waits = task.waits.flatMap(({ cause, from, to = Infinity }): Bar[] => {
    if (to - from <= LEAST_WAIT_MS) return [];
    return [{ kind: 'wait', cause, from, to, task, sub, of }];
  });
  return [...waits, ...segments].sort((first, second) => first.from - second.from);
}

/** Packs tasks into the first free sub-lanes of one row. */
function pack(tasks: readonly TaskModel[]): { bars: Bar[]; subLanes: number } {
  const started = tasks.filter(({ start }) => start !== undefined);
  const placed: [TaskModel, number][] = [];
  const ends: number[] = [];
  for (const task of started.sort((a, b) => (a.start as number) - (b.start as number))) {
    const lane = firstFree(ends, task.start as number);
    ends[lane] = task.end ?? Infinity;
    placed.push([task, lane]);
  }
  const bars = placed.flatMap(([task, lane]) => barsOf(task, lane, ends.length));
  return { bars: bars.sort((a, b) => a.from - b.from), subLanes: ends.length };
}

/** The same without the rows that have nothing between two times. */
export function withinWindow(layout: TimelineLayout, from: number, to: number): TimelineLayout {
  if (layout.mode === 'slots') return layout;
  const shown = layout.lanes.map((bars) => bars.some((bar) => bar.to >= from && bar.from <= to));
  const keep = <T>(list: readonly T[]): T[] => list.filter((_, at) => shown[at]);
  const rows = keep(layout.rows);
  return {
    ...layout,
    ...{ rows, lanes: keep(layout.lanes), heights: keep(layout.heights) },
    hidden: layout.rows.length - rows.length,
  };
}
