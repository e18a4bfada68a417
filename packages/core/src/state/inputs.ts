import { type InputValues, PLAN_INPUTS } from '../contract/plan-inputs.js';
import type { Task } from '../contract/task.js';
import { handOn } from '../contract/value.js';
import { TaskKind } from '../graph/task-kind.js';
import type { FanOut } from './fan-out.js';
import { assumedModuleInputs, moduleInputs } from './module-inputs.js';
import type { RunState } from './run-state.js';

export type Inputs = Readonly<Record<string, unknown>>;

const NO_INPUTS: Inputs = Object.freeze(Object.create(null));

/**
 * The inputs of a task: the outputs of its dependencies and subtasks by id, and `item` and `index`
 * inside a fan-out, and the inputs of the plan as `inputs`. Dependencies that were not chosen are omitted.
 */
export function inputsOf(index: number, state: RunState, fanOut: FanOut): Inputs {
  const { graph } = state;
  const inFamily = hasFamily(index, state);
  const planInputs = inFamily ? planInputsOf(index, state, fanOut) : state.planInputs;
  if (graph.dependencyCount(index) === 0 && !inFamily && planInputs === undefined) return NO_INPUTS;
  // Without a prototype, so that "__proto__" and "constructor" are ids like any other.
  const inputs = Object.create(null) as Record<string, unknown>;
  if (planInputs !== undefined) inputs[PLAN_INPUTS] = handOnAll(planInputs);
  if (!inFamily) {
    graph.eachDependency(index, (dependency) => {
      if (state.statusOf(dependency) !== 'completed') return;
      inputs[(graph.tasks[dependency] as Task).id] = state.outputOf(dependency);
    });
    return inputs;
  }
  eachInput(index, state, fanOut, (name, from) => {
    if (state.statusOf(from) === 'completed') inputs[name] = state.outputOf(from);
  });
  const origin = fanOut.originOf(graph.tasks[index] as Task);
  if (origin !== undefined) {
    inputs.item = handOn(origin.item);
    inputs.index = origin.index;
  }
  return inputs;
}

/**
 * The names of the inputs in the order of the plan, including omitted ones: an object would reorder
 * names like "7".
 */
export function inputNamesOf(index: number, state: RunState, fanOut: FanOut): readonly string[] {
  const task = state.graph.tasks[index] as Task;
  const hasPlanInputs = hasPlanInputsAt(index, state);
  if (!hasFamily(index, state)) {
    const { dependencies = [] } = task;
    return hasPlanInputs ? [...dependencies, PLAN_INPUTS] : dependencies;
  }
  const names: string[] = [];
  eachInput(index, state, fanOut, (name) => names.push(name));
  if (fanOut.originOf(task) !== undefined) names.push('item', 'index');
  if (hasPlanInputs) names.push(PLAN_INPUTS);
  return names;
}

/** Whether `inputs` are the inputs of the plan that a task is written in. */
export function hasPlanInputsAt(index: number, state: RunState): boolean {
  const module = state.graph.moduleOf(index);
  if (module === undefined) return state.planInputs !== undefined;
  return state.graph.taskOf(module).plan?.inputs !== undefined;
}

/** The inputs of the plan that a task is written in: of the run, or of the module around it. */
export function planInputsOf(
  index: number,
  state: RunState,
  fanOut: FanOut,
): InputValues | undefined {
  const module = state.graph.moduleOf(index);
  if (module === undefined) return state.planInputs;
  const { moduleInputs: known } = fanOut;
  return known.has(module) ? known.get(module) : bindModule(module, state, fanOut);
}

/**
 * Makes the values of the inputs of a module from what its task depends on. They are kept until its group
 * begins again.
 *
 * @throws {RunnerError} `invalid_input` for values that are missing or wrong.
 */
export function bindModule(
  module: number,
  state: RunState,
  fanOut: FanOut,
): InputValues | undefined {
  const task = state.graph.taskOf(module);
  const names = inputNamesOf(module, state, fanOut);
  const inputs = inputsOf(module, state, fanOut);
  const values = fanOut.isAssumed
    ? assumedModuleInputs(task, inputs, names)
    : moduleInputs(task, inputs, names, fanOut.secretTexts);
  fanOut.moduleInputs.set(module, values);
  return values;
}

/** The values for one more reader. */
function handOnAll(values: InputValues): InputValues {
  const entries = Object.entries(values);
  if (entries.every(([, value]) => handOn(value) === value)) return values;
  return Object.fromEntries(entries.map(([name, value]) => [name, handOn(value)]));
}

function hasFamily(index: number, { graph }: RunState): boolean {
  if (!graph.hasFamilies) return false;
  return graph.parentOf(index) !== undefined || graph.childCount(index) > 0;
}

/** Calls `visit` with each task whose output is an input of `index`, and with the input's name. */
function eachInput(
  index: number,
  state: RunState,
  fanOut: FanOut,
  visit: (name: string, from: number) => void,
): void {
  const { graph } = state;
  const task = graph.tasks[index] as Task;
  const origin = fanOut.namesOf(task);
  if (fanOut.originOf(task)?.isElement)
    eachInput(graph.parentOf(index) as number, state, fanOut, visit);
  let position = 0;
  graph.eachDependency(index, (dependency) => {
    const { id } = graph.tasks[dependency] as Task;
    visit(origin?.dependencies[position++] ?? id, dependency);
  });
  // The elements of a fan-out are its output, not its inputs; and only its own plan knows the tasks of a module.
  if ((graph.kindOf(index) & (TaskKind.forEach | TaskKind.module)) !== 0) return;
  graph.eachChild(index, (child) => {
    const subtask = graph.tasks[child] as Task;
    visit(fanOut.namesOf(subtask)?.localId ?? subtask.id, child);
  });
}
