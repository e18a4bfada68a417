import { type InputValues, PLAN_INPUTS } from '../contract/plan-inputs.js';
import { LOOP_FACTS, LOOP_NAMES, loopFact } from '../contract/repeat.js';
import type { Task } from '../contract/task.js';
import { handOn } from '../contract/value.js';
import { TaskKind } from '../graph/task-kind.js';
import type { FanOut } from './fan-out.js';
import { assumedModuleInputs, moduleInputs } from './module-inputs.js';
import type { RunState } from './run-state.js';

export type Inputs = Readonly<Record<string, unknown>>;

const NO_INPUTS: Inputs = Object.freeze(Object.create(null));
const [PREVIOUS] = LOOP_NAMES as [string];

/**
 * The inputs of a task: the outputs of its dependencies and subtasks by id, and `item` and `index`
 * inside a fan-out, `previous` and `iteration` inside a loop, and the inputs of the plan as `inputs`.
 * Dependencies that were not chosen are omitted.
 */
export function inputsOf(index: number, state: RunState, fanOut: FanOut): Inputs {
  const { graph } = state;
  if (state.hasPlainInputs) {
    const end = graph.firstDependencyEdge(index + 1);
    let edge = graph.firstDependencyEdge(index);
    if (edge === end) return NO_INPUTS;
    const inputs = Object.create(null) as Record<string, unknown>;
    for (; edge < end; edge++) {
      const from = graph.dependencyAt(edge);
      if (!state.isCompleted(from)) continue;
      inputs[(graph.tasks[from] as Task).id] = state.log.outputAt(state.endPositionOf(from));
    }
    return inputs;
  }
  const inFamily = hasFamily(index, state);
  const planInputs = inFamily ? planInputsOf(index, state, fanOut) : state.planInputs;
  if (graph.dependencyCount(index) === 0 && !inFamily && planInputs === undefined) return NO_INPUTS;
  // Without a prototype, so that "__proto__" and "constructor" are ids like any other.
  const inputs = Object.create(null) as Record<string, unknown>;
  if (planInputs !== undefined) inputs[PLAN_INPUTS] = handOnAll(planInputs);
  const add = (name: string, from: number) => {
    if (state.statusOf(from) === 'completed') inputs[name] = state.outputOf(from);
    const loop = graph.hasKind(TaskKind.repeat) ? state.loopOf(from) : undefined;
    if (loop === undefined || name === PREVIOUS) return;
    for (const fact of LOOP_FACTS) inputs[loopFact(name, fact)] = loop[fact as keyof typeof loop];
  };
  if (!inFamily) {
    graph.eachDependency(index, (dependency) => {
      add((graph.tasks[dependency] as Task).id, dependency);
    });
    return inputs;
  }
  eachInput(index, state, fanOut, add);
  const { element, iteration } = fanOut.originOf(graph.tasks[index] as Task) ?? {};
  if (element !== undefined) {
    inputs.item = handOn(element.item);
    inputs.index = element.index;
  }
  if (iteration !== undefined) inputs.iteration = iteration;
  return inputs;
}

/** The names of the inputs of a task. */
export interface InputNames {
  /** In the order of the plan, including omitted ones: an object would reorder names like "7". */
  readonly names: readonly string[];
  /**
   * Names that are no tasks, and the elements that prompts put their values in. Without an element, a
   * value is only inserted where a prompt refers to it.
   */
  readonly special: ReadonlyMap<string, string | undefined>;
}

const NONE_SPECIAL: ReadonlyMap<string, string | undefined> = new Map();

export function inputNamesOf(index: number, state: RunState, fanOut: FanOut): InputNames {
  const { graph } = state;
  const task = graph.tasks[index] as Task;
  if (state.hasPlainInputs) return { names: task.dependencies ?? [], special: NONE_SPECIAL };
  const hasPlanInputs = hasPlanInputsAt(index, state);
  const hasLoops = graph.hasKind(TaskKind.repeat);
  const inFamily = hasFamily(index, state);
  if (!inFamily && !hasLoops && !hasPlanInputs) {
    return { names: task.dependencies ?? [], special: NONE_SPECIAL };
  }
  const names = new Set<string>();
  const special = new Map<string, string | undefined>();
  const add = (name: string, element?: string) => {
    names.add(name);
    special.set(name, element);
  };
  const addInput = (name: string, from: number) => {
    names.add(name);
    if (!hasLoops || !isLoop(from, state) || name === PREVIOUS) return;
    for (const fact of LOOP_FACTS) add(loopFact(name, fact));
  };
  if (inFamily) eachInput(index, state, fanOut, addInput);
  else graph.eachDependency(index, (from) => addInput((graph.tasks[from] as Task).id, from));
  const { element, iteration } = fanOut.originOf(task) ?? {};
  if (element !== undefined) {
    add('item', 'item');
    add('index');
  }
  if (iteration !== undefined) {
    add(PREVIOUS, PREVIOUS);
    add('iteration');
  }
  if (hasPlanInputs) add(PLAN_INPUTS);
  return { names: [...names], special };
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
  const { names } = inputNamesOf(module, state, fanOut);
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

function isLoop(index: number, { graph }: RunState): boolean {
  return (graph.kindOf(index) & TaskKind.repeat) !== 0;
}

/**
 * Calls `visit` with each task whose output is an input of `index`, and with the input's name.
 *
 * @param inOuterLoop Whether the output of the previous iteration of a loop around is an input.
 */
function eachInput(
  index: number,
  state: RunState,
  fanOut: FanOut,
  visit: (name: string, from: number) => void,
  inOuterLoop = true,
): void {
  const { graph } = state;
  const task = graph.tasks[index] as Task;
  const origin = fanOut.originOf(task);
  const names = fanOut.namesOf(task);
  if (origin?.isElement) {
    const parent = graph.parentOf(index) as number;
    eachInput(parent, state, fanOut, visit, inOuterLoop && !isLoop(parent, state));
  } else if (inOuterLoop && origin?.iteration !== undefined) {
    const previous = previousIteration(index, state);
    if (previous !== undefined) visit(PREVIOUS, previous);
  }
  let position = 0;
  graph.eachDependency(index, (dependency) => {
    const { id } = graph.tasks[dependency] as Task;
    visit(names?.dependencies[position++] ?? id, dependency);
  });
  // The children of a template are its output, not its inputs; and only its own plan knows the tasks of a module.
  if ((graph.kindOf(index) & (TaskKind.template | TaskKind.module)) !== 0) return;
  graph.eachChild(index, (child) => {
    const subtask = graph.tasks[child] as Task;
    visit(fanOut.namesOf(subtask)?.localId ?? subtask.id, child);
  });
}

/** The iteration before the one that a task belongs to; undefined in the first one. */
function previousIteration(index: number, state: RunState): number | undefined {
  const { graph } = state;
  let iteration = index;
  for (;;) {
    const parent = graph.parentOf(iteration);
    if (parent === undefined) return undefined;
    if (isLoop(parent, state)) break;
    iteration = parent;
  }
  let previous: number | undefined;
  graph.eachDependency(iteration, (dependency) => {
    previous = dependency;
  });
  return previous;
}
