import { asksModel, doesOwnWork, isTemplate, type ModulePlan, type Task } from './task.js';

/** The names of a task of a module in the plan of that module. */
export interface ModuleNames {
  readonly id: string;
  /** The ids of its dependencies, in order. */
  readonly dependencies: readonly string[];
  /** Maps an id of the module to the id of its copy. */
  readonly rename: (id: string) => string;
}

const names = new WeakMap<Task, ModuleNames>();

/** The names of a task that `subtasksOf` has made for a module; undefined for any other. */
export function moduleNamesOf(task: Task): ModuleNames | undefined {
  return names.get(task);
}

/** The id of a task of a module in the plan around it: `review/check`. */
export function moduleTaskId(module: string, id: string): string {
  return `${module}/${id}`;
}

/**
 * The subtasks of a task. Those of a module are copies of the tasks of its plan, with ids such as
 * `review/check` and with the defaults of that plan; in a fan-out of modules, they are a pattern.
 */
export function subtasksOf(task: Task): readonly Task[] | undefined {
  const { plan, id } = task;
  if (plan === undefined) return task.subtasks;
  return copiesOf(plan.tasks, plan, (name) => moduleTaskId(id, name));
}

/** @param rename Left out in the pattern of a fan-out or a loop, whose copies get their ids from it. */
function copiesOf(
  tasks: readonly Task[],
  plan: ModulePlan,
  rename: ((id: string) => string) | undefined,
): Task[] {
  return tasks.map((task) => {
    const { id, dependencies = [], subtasks, plan: inner } = task;
    const forSubtasks = isTemplate(task) ? undefined : rename;
    const copy: Task = {
      ...task,
      ...(rename && { id: rename(id) }),
      ...(rename && task.dependencies && { dependencies: dependencies.map(rename) }),
      ...defaultsFor(task, plan),
      ...(subtasks && { subtasks: copiesOf(subtasks, plan, forSubtasks) }),
      ...(inner && { plan: { ...inner, ...settingsFor(inner, plan) } }),
    };
    if (rename) names.set(copy, { id, dependencies, rename });
    return copy;
  });
}

/** The settings of the plan of a module that one of its tasks does not have itself. */
function defaultsFor(task: Task, plan: ModulePlan): Partial<Task> {
  if (!doesOwnWork(task) || task.waitFor !== undefined) return {};
  const { idleTimeoutMs: _, ...settings } = settingsFor(task, plan);
  return asksModel(task) ? settingsFor(task, plan) : settings;
}

type Settings = Pick<ModulePlan, 'retry' | 'timeoutMs' | 'idleTimeoutMs'>;

function settingsFor(own: Settings, { retry, timeoutMs, idleTimeoutMs }: Settings): Settings {
  return {
    ...(own.retry === undefined && retry !== undefined && { retry }),
    ...(own.timeoutMs === undefined && timeoutMs !== undefined && { timeoutMs }),
    ...(own.idleTimeoutMs === undefined && idleTimeoutMs !== undefined && { idleTimeoutMs }),
  };
}

/** The tasks that are written in a task, with the place of their list: subtasks, or those of a module. */
export function writtenTasksOf({ plan, subtasks }: Task): {
  readonly tasks: readonly Task[];
  readonly path: readonly string[];
} {
  return plan === undefined
    ? { tasks: subtasks ?? [], path: ['subtasks'] }
    : { tasks: plan.tasks, path: ['plan', 'tasks'] };
}
