import { compare } from '../contract/condition.js';
import { asksModel, doesOwnWork, type ModulePlan, type Task } from '../contract/task.js';
import type { ModelProfile } from './model-schema.js';

type Profiles = Record<string, ModelProfile>;

/** The profile of tasks without a model. */
const DEFAULT = 'default';

/**
 * Adds the profiles of a module to those of the plan around it, with the name of the module: `fast@review.yaml`.
 * One that is the same under the same name is shared. The `default` of a module is for its own tasks alone.
 *
 * @param into The profiles of the plan around it; those of the module are added.
 * @param label The name of the module.
 * @returns The plan of the module, whose tasks name these profiles.
 */
export function withProfiles(
  plan: ModulePlan,
  models: Readonly<Profiles>,
  into: Profiles,
  label: string,
): ModulePlan {
  const names = new Map<string, string>();
  for (const [name, profile] of Object.entries(models)) {
    const isSame = (other: string) =>
      into[other] !== undefined && compare(into[other], '==', profile);
    const isFree = (other: string) => into[other] === undefined || isSame(other);
    // Those of a module in the module have its name already.
    if (isSame(name) || (name.includes('@') && isFree(name))) {
      into[name] = profile;
      continue;
    }
    const own = `${name}@${label}`.replaceAll('/', '-');
    let free = own;
    for (let number = 2; !isFree(free); number++) free = `${own}-${number}`;
    into[free] = profile;
    names.set(name, free);
  }
  return names.size === 0 ? plan : renamed(plan, names);
}

function renamed(plan: ModulePlan, names: ReadonlyMap<string, string>): ModulePlan {
  return { ...plan, tasks: plan.tasks.map((task) => renamedTask(task, names)) };
}

function renamedTask(task: Task, names: ReadonlyMap<string, string>): Task {
  const { subtasks, plan } = task;
  const model = modelOf(task, names);
  return {
    ...task,
    ...(model !== undefined && { model }),
    ...(subtasks !== undefined && { subtasks: subtasks.map((each) => renamedTask(each, names)) }),
    ...(plan !== undefined && { plan: renamed(plan, names) }),
  };
}

function modelOf(task: Task, names: ReadonlyMap<string, string>): string | undefined {
  const { model } = task;
  if (model === undefined) {
    const isAsked = asksModel(task) && doesOwnWork(task) && task.waitFor === undefined;
    return isAsked ? names.get(DEFAULT) : undefined;
  }
  const [name = '', ...rest] = model.split('/');
  const other = names.get(name);
  return other === undefined ? model : [other, ...rest].join('/');
}
