import type { TaskModel } from '../model/run-model.js';
import { descendantsOf, type RunView } from './run-view.js';

/** One row or one node: a task, a folded group, or look-alikes. */
export interface Fold {
  readonly id: string;
  readonly label: string;
  readonly kind: 'task' | 'group' | 'alike' | 'level';
  /** What it stands for; for a group, the tasks below it. */
  readonly tasks: readonly TaskModel[];
  /** The group itself. */
  readonly group?: TaskModel | undefined;
  /** A group whose children are shown as well. */
  readonly isOpen?: true | undefined;
  /** 1 for a child of an open group. */
  readonly depth: number;
}

/** Fewer look-alikes than this stay apart. */
const LEAST_ALIKE = 4;

/**
 * Folds the tasks of a run: groups always, and above `limit` nodes also look-alikes, which are tasks of
 * one level whose ids differ in one token.
 *
 * @param open The folds that are shown unfolded, by id.
 */
export function foldTasks(view: RunView, limit: number, open: ReadonlySet<string>): Fold[] {
  const groups: Fold[] = [];
  const loose: { readonly task: TaskModel; readonly depth: number }[] = [];
  const visit = (task: TaskModel, depth: number) => {
    if (task.children === undefined || task.children.length === 0) loose.push({ task, depth });
    else {
      const tasks = descendantsOf(view, task).filter(({ children }) => !children?.length);
      const group: Fold = { ...single(task, depth), kind: 'group', tasks, group: task };
      groups.push(open.has(task.id) ? { ...group, isOpen: true } : group);
      if (!open.has(task.id)) return;
      for (const id of task.children) visit(view.byId.get(id) as TaskModel, depth + 1);
    }
  };
  for (const task of view.model.tasks) if (task.parent === undefined) visit(task, 0);
  const folded = loose.length + groups.length > limit ? foldAlike(loose, open) : undefined;
  return [...groups, ...(folded ?? loose.map(({ task, depth }) => single(task, depth)))];
}

function single(task: TaskModel, depth: number): Fold {
  return { id: task.id, label: task.id, kind: 'task', tasks: [task], depth };
}

/** One fold for each level, where even look-alikes are too many. */
export function foldLevels(view: RunView): Fold[] {
  const levels = new Map<number, TaskModel[]>();
  for (const task of view.model.tasks) {
    if (task.children?.length) continue;
    const tasks = levels.get(task.level);
    if (tasks === undefined) levels.set(task.level, [task]);
    else tasks.push(task);
  }
  return [...levels]
    .sort(([first], [second]) => first - second)
    .map(([level, tasks]) => ({
      ...{ id: `level ${level}`, label: `level ${level}`, kind: 'level' as const },
      ...{ tasks, depth: 0 },
    }));
}

const TOKENS = /[^\W\d_]+|\d+|[^\w]+|_/g;

function foldAlike(
  loose: readonly { readonly task: TaskModel; readonly depth: number }[],
  open: ReadonlySet<string>,
): Fold[] {
  const shapes = new Map<string, TaskModel[]>();
  for (const { task } of loose) {
    for (const shape of shapesOf(task)) {
      const alike = shapes.get(shape);
      if (alike === undefined) shapes.set(shape, [task]);
      else alike.push(task);
    }
  }
  const folded = new Set<string>();
  const folds: Fold[] = [];
  for (const [shape, alike] of [...shapes].sort(([, a], [, b]) => b.length - a.length)) {
    if (alike.length < LEAST_ALIKE) break;
    const tasks = alike.filter(({ id }) => !folded.has(id));
    const label = shape.slice(shape.indexOf('|') + 1);
    if (tasks.length < LEAST_ALIKE || open.has(shape)) continue;
    for (const { id } of tasks) folded.add(id);
    folds.push({ id: shape, label, kind: 'alike', tasks, depth: 0 });
  }
  for (const { task, depth } of loose) if (!folded.has(task.id)) folds.push(single(task, depth));
  return folds;
}

/** Ids with more tokens than this are not compared: each token is one more shape. */
const MOST_TOKENS = 16;

/** "3|emea-*" and "3|*-analyse" for the task "emea-analyse" of level 3. */
function shapesOf({ id, level, parent = '' }: TaskModel): string[] {
  const tokens = id.match(TOKENS) ?? [id];
  if (tokens.length === 1 || tokens.length > MOST_TOKENS) return [];
  const place = parent === '' ? level : `${level} ${parent}`;
  return tokens.flatMap((token, position) =>
    /\w/.test(token)
      ? [`${place}|${tokens.map((each, at) => (at === position ? '*' : each)).join('')}`]
      : [],
  );
}

export interface FoldEdge {
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly isCritical: boolean;
}

/** The dependencies between folds: one edge for each pair. An open group follows its children. */
export function edgesBetween(view: RunView, folds: readonly Fold[]): FoldEdge[] {
  const foldOf = new Map<string, string>();
  const open = new Set<string>();
  for (const fold of folds) {
    if (fold.isOpen) open.add(fold.id);
    else for (const { id } of fold.tasks) foldOf.set(id, fold.id);
    if (fold.group !== undefined) foldOf.set(fold.group.id, fold.id);
  }
  const edges = new Map<string, { from: string; to: string; count: number; isCritical: boolean }>();
  const connect = (input: string, task: TaskModel, isLast: boolean) => {
    const [from, to] = [foldOf.get(input), foldOf.get(task.id)];
    if (from === undefined || to === undefined || from === to) return;
    const key = `${from}\0${to}`;
    const edge = edges.get(key) ?? { from, to, count: 0, isCritical: false };
    edge.count++;
    if (isLast && task.isCritical && view.byId.get(input)?.isCritical) edge.isCritical = true;
    edges.set(key, edge);
  };
  for (const task of view.model.tasks) {
    if (!open.has(task.id)) {
      for (const input of task.inputs) connect(input, task, task.lastInput === input);
      continue;
    }
    const children = task.children ?? [];
    const used = new Set(children.flatMap((id) => view.byId.get(id)?.inputs ?? []));
    for (const id of children) if (!used.has(id)) connect(id, task, true);
  }
  return [...edges.values()];
}
