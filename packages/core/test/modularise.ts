import * as z from 'zod';
import type { Condition } from '../src/contract/condition.js';
import type { Plan } from '../src/contract/plan.js';
import { asksModel, type Task } from '../src/contract/task.js';
import type { Inputs } from '../src/state/inputs.js';
import { withItems } from './with-items.js';

/** A plan with groups that use nothing from outside, and the same plan with modules for these groups. */
export interface Modularised {
  readonly inlined: Plan;
  readonly modular: Plan;
  /** The number of modules. */
  readonly modules: number;
}

/**
 * Turns groups of a random plan into modules. Subtasks of `t0` are called `t0/0`, as those of a module are,
 * so that both plans have the same ids.
 */
export function modularise(plan: Plan): Modularised {
  const counter = { modules: 0 };
  const scopes = scopesIn(plan.tasks);
  const inlined = { ...plan, tasks: plan.tasks.map((task) => closed(task, scopes)) };
  const modular = { ...plan, tasks: inlined.tasks.map((task) => withModules(task, counter)) };
  return { inlined, modular, modules: counter.modules };
}

function isTemplate({ forEach, repeat }: Task): boolean {
  return forEach !== undefined || repeat !== undefined;
}

/** Whether a group can be a module: the copies in it would get other ids if it had templates with subtasks. */
function mayBeModule(task: Task): boolean {
  const { subtasks = [], type } = task;
  const isGroup = subtasks.length > 0 && type !== 'aggregate' && asksModel(task);
  return isGroup && !isTemplate(task) && !subtasks.some(hasLargeTemplate);
}

function hasLargeTemplate(task: Task): boolean {
  const { subtasks = [] } = task;
  return (isTemplate(task) && subtasks.length > 0) || subtasks.some(hasLargeTemplate);
}

/** The module that each task is in, by id; '' for the plan itself. */
function scopesIn(
  tasks: readonly Task[],
  scope = '',
  scopes = new Map<string, string>(),
): ReadonlyMap<string, string> {
  for (const task of tasks) {
    scopes.set(task.id, scope);
    scopesIn(task.subtasks ?? [], mayBeModule(task) ? task.id : scope, scopes);
  }
  return scopes;
}

/** Without dependencies into a module and out of it, and without what refers to these. */
function closed(task: Task, scopes: ReadonlyMap<string, string>): Task {
  const { dependencies = [], when, forEach, waitFor, runAfter, subtasks, ...rest } = task;
  const left = dependencies.filter((each) => scopes.get(each) === scopes.get(task.id));
  const isSame = left.length === dependencies.length;
  const source = typeof forEach === 'object' ? forEach.items : forEach;
  const list = typeof source === 'string' && !isSame ? () => [0, 10] : source;
  return {
    ...rest,
    dependencies: left,
    ...(waitFor !== undefined && { waitFor, ...(!isSame && { description: 'Is it right?' }) }),
    ...(when !== undefined && { when: isSame || typeof when === 'function' ? when : { all: [] } }),
    ...(list === undefined && forEach !== undefined && { forEach }),
    ...(list !== undefined && {
      forEach: withItems(forEach, list),
    }),
    ...(runAfter !== undefined && left.length > 0 && { runAfter }),
    ...(!isSame && withTexts(rest, () => 'x')),
    ...(subtasks !== undefined && { subtasks: subtasks.map((each) => closed(each, scopes)) }),
  };
}

function withModules(task: Task, counter: { modules: number }, isNested = false): Task {
  const { subtasks, ...group } = task;
  if (subtasks === undefined) return task;
  if (!mayBeModule(task)) {
    return { ...task, subtasks: subtasks.map((each) => withModules(each, counter, isNested)) };
  }
  counter.modules++;
  const prefix = `${task.id}/`;
  const tasks = subtasks.map((each) => localised(withModules(each, counter, true), prefix));
  return { ...group, ...given(task, isNested), plan: { goal: task.id, tasks, inputs: INPUTS } };
}

/** The inputs of each module: a number, and the outputs that it depends on. */
const INPUTS = z.object({ size: z.number().default(7), list: z.array(z.unknown()) });

/** The values of these inputs; a module in another one passes on the number that it gets. */
function given({ dependencies = [] }: Task, isNested: boolean): Pick<Task, 'with'> {
  if (dependencies.length === 0) {
    return { with: { list: [], ...(isNested && { size: '{{inputs.size}}' }) } };
  }
  return {
    with: (inputs: Inputs) => ({
      size: dependencies.length,
      list: dependencies.map((each) => inputs[each] ?? null),
    }),
  };
}

/** The inputs that a task of a module must get, by its id in the run; undefined for one in no module. */
export function moduleInputsOf(
  id: string,
  { tasks }: Plan,
  outputOf: (id: string) => unknown,
): { readonly size: number; readonly list: readonly unknown[] } | undefined {
  let found: { size: number; list: unknown[] } | undefined;
  const visit = (list: readonly Task[], prefix: string, size: number) => {
    for (const task of list) {
      const own = prefix + task.id;
      const { dependencies = [], plan, subtasks = [] } = task;
      visit(subtasks, prefix, size);
      if (plan === undefined || !id.startsWith(`${own}/`)) continue;
      const count = dependencies.length || (prefix === '' ? 7 : size);
      const values = dependencies.map((each) => outputOf(prefix + each) ?? null);
      found = { size: count, list: values };
      visit(plan.tasks, `${own}/`, count);
    }
  };
  visit(tasks, '', 7);
  return found;
}

/** The task with the names that it has in its module. */
function localised(task: Task, prefix: string): Task {
  const local = (text: string) => text.replaceAll(prefix, '');
  const {
    id,
    dependencies = [],
    description,
    when,
    forEach,
    repeat,
    subtasks,
    with: values,
  } = task;
  const source = typeof forEach === 'object' ? forEach.items : forEach;
  const list = typeof source === 'string' ? local(source) : source;
  return {
    ...task,
    id: local(id),
    dependencies: dependencies.map(local),
    ...(description !== undefined && { description: local(description) }),
    ...withTexts(task, local),
    ...(when !== undefined && {
      when: withLocalNames(when, prefix),
    }),
    ...(list !== undefined && {
      forEach: withItems(forEach, list),
    }),
    ...(repeat !== undefined && {
      repeat: { ...repeat, until: withLocalNames(repeat.until, prefix) },
    }),
    ...(subtasks !== undefined && { subtasks: subtasks.map((each) => localised(each, prefix)) }),
    ...(typeof values === 'function' && { with: renamed(values, prefix) }),
  };
}

/** The arguments of its tool or command, with other texts. */
function withTexts({ args, command }: Task, textOf: (text: string) => string): Partial<Task> {
  if (command !== undefined) {
    const [program = '', ...rest] = Array.isArray(command) ? (command as string[]) : [];
    return { command: [program, ...rest.map(textOf)] };
  }
  if (args === undefined || typeof args === 'function') return {};
  const texts = Object.entries(args).map(([name, value]) => [name, textOf(String(value))] as const);
  return { args: Object.fromEntries(texts) };
}

function withLocalNames(
  condition: NonNullable<Task['when']>,
  prefix: string,
): NonNullable<Task['when']> {
  return typeof condition === 'function'
    ? renamed(condition, prefix)
    : localCondition(condition, (text) => text.replaceAll(prefix, ''));
}

/** The function with the names that it knows. */
function renamed<Result>(when: (inputs: Inputs) => Result, prefix: string) {
  return (inputs: Inputs): Result => {
    const entries = Object.entries(inputs).map(([name, value]) => [prefix + name, value] as const);
    return when({ ...inputs, ...Object.fromEntries(entries) });
  };
}

function localCondition(condition: Condition, local: (text: string) => string): Condition {
  if ('not' in condition) return { not: localCondition(condition.not, local) };
  if ('all' in condition) return { all: condition.all.map((each) => localCondition(each, local)) };
  if ('any' in condition) return { any: condition.any.map((each) => localCondition(each, local)) };
  return { ...condition, path: local(condition.path) };
}
