import { moduleNamesOf } from '../contract/module.js';
import type { PlanProblem } from '../contract/plan-error.js';
import { isTemplate, type ModulePlan, type Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { isRecord } from '../util/record.js';
import { add, type PlanPath, type Problems, quote } from './checks.js';
import { isModulePlan } from './module.js';
import { reportSharedFiles } from './references.js';

/** The most tasks that a plan has with those of its modules; a few files could name billions. */
const MAX_TASKS = 1_000_000;

/** How large the plan of a module is, with the modules in it. */
interface Extent {
  readonly tasks: number;
  /** The levels of tasks and subtasks. */
  readonly levels: number;
}

const NOTHING: Extent = { tasks: 0, levels: 0 };

/** Checks the plans of modules, each plan once, and how deep and how large they are together. */
export class ModuleChecker {
  readonly #maxDepth: number;
  /** Lists the problems of the plan of a module by itself. */
  readonly #problemsOf: (plan: ModulePlan) => PlanProblem[];
  readonly #known = new Map<ModulePlan, Extent>();
  /** The plans around the one that is checked. */
  readonly #around: ModulePlan[] = [];

  constructor(maxDepth: number, problemsOf: (plan: ModulePlan) => PlanProblem[]) {
    this.#maxDepth = maxDepth;
    this.#problemsOf = problemsOf;
  }

  /** @returns Whether there are any modules. */
  check(problems: Problems, plan: ModulePlan, path: PlanPath = ['tasks']): boolean {
    if (!hasModules(plan.tasks)) return false;
    this.#around.push(plan);
    const before = problems.length;
    const { tasks } = this.#extentOf(problems, plan.tasks, path, 1);
    this.#around.pop();
    if (tasks > MAX_TASKS && problems.length === before) {
      const limit = MAX_TASKS.toLocaleString('en');
      const message = `there are more than ${limit} tasks with those of the modules`;
      add(problems, 'too_many', path, message);
    }
    return true;
  }

  #extentOf(problems: Problems, tasks: readonly unknown[], path: PlanPath, depth: number): Extent {
    let count = tasks.length;
    let levels = 0;
    for (const [position, each] of tasks.entries()) {
      if (!isRecord(each)) continue;
      const { plan, subtasks } = each as Partial<Task>;
      const at = [...path, position];
      let inner = NOTHING;
      if (isModulePlan(plan)) inner = this.#moduleAt(problems, plan, [...at, 'plan'], depth);
      else if (Array.isArray(subtasks) && depth < this.#maxDepth) {
        inner = this.#extentOf(problems, subtasks, [...at, 'subtasks'], depth + 1);
      }
      count += inner.tasks;
      levels = Math.max(levels, inner.levels);
    }
    return { tasks: count, levels: levels + 1 };
  }

  #moduleAt(problems: Problems, plan: ModulePlan, path: PlanPath, depth: number): Extent {
    const start = this.#around.indexOf(plan);
    if (start >= 0) {
      const goals = [...this.#around.slice(start), plan].map(({ goal }) => quote(String(goal)));
      const message = `plans contain each other: ${goals.join(' → ')} (each contains the next)`;
      add(problems, 'cycle', path, message);
      return NOTHING;
    }
    let extent = this.#known.get(plan);
    if (extent === undefined) {
      for (const problem of this.#problemsOf(plan)) {
        problems.push({ ...problem, path: [...path, ...problem.path] });
      }
      this.#around.push(plan);
      extent = this.#extentOf(problems, plan.tasks, [...path, 'tasks'], 1);
      this.#around.pop();
      this.#known.set(plan, extent);
    }
    if (depth + extent.levels <= this.#maxDepth) return extent;
    const message = `nests tasks deeper than maxDepth, which is ${this.#maxDepth}, with the levels of its plan`;
    add(problems, 'too_deep', path, message);
    return NOTHING;
  }
}

function hasModules(tasks: readonly unknown[], depth = 1): boolean {
  return tasks.some((task) => {
    if (!isRecord(task)) return false;
    const { plan, subtasks } = task;
    return (
      plan !== undefined ||
      (Array.isArray(subtasks) && depth < 100 && hasModules(subtasks, depth + 1))
    );
  });
}

/**
 * Reports what tasks of modules have in common with other tasks although it must be unique: ids, and files
 * that they write.
 *
 * @param tasks Valid tasks, with modules.
 */
export function checkUnfolded(
  problems: Problems,
  tasks: readonly Task[],
  isTaken: (id: string) => boolean = () => false,
): void {
  const graph = new Graph(tasks);
  const places = placesIn(tasks, ['tasks']);
  const pathOf = (index: number): PlanPath => {
    let at = index;
    for (let up = graph.moduleOf(at); up !== undefined; up = graph.moduleOf(at)) at = up;
    return places.get(graph.taskOf(at).id) ?? ['tasks'];
  };
  const owners = new Map<string, boolean>();
  for (const [index, task] of graph.tasks.entries()) {
    const isOfModule = moduleNamesOf(task) !== undefined;
    const other = owners.get(task.id);
    const isTwice = other !== undefined && other !== isOfModule;
    if (isTwice || (isOfModule && isTaken(task.id))) {
      const message = `the id ${quote(task.id)} is that of a task in a module; rename the task or the module`;
      add(problems, 'duplicate_id', [...(places.get(task.id) ?? pathOf(index)), 'id'], message);
    }
    owners.set(task.id, isOfModule);
  }
  if (problems.length === 0) reportSharedFiles(problems, graph, pathOf);
}

/** Where each task is written, by its id; without the tasks of modules, fan-outs and loops. */
function placesIn(
  tasks: readonly Task[],
  path: PlanPath,
  places = new Map<string, PlanPath>(),
): ReadonlyMap<string, PlanPath> {
  for (const [position, task] of tasks.entries()) {
    places.set(task.id, [...path, position]);
    if (!isTemplate(task)) placesIn(task.subtasks ?? [], [...path, position, 'subtasks'], places);
  }
  return places;
}
