import { moduleTaskId } from '../contract/module.js';
import type { PlanOutputs } from '../contract/plan.js';
import { type InputValues, PLAN_INPUTS } from '../contract/plan-inputs.js';
import { readPath } from '../contract/reference.js';
import { parseLoopFact } from '../contract/repeat.js';
import type { ModulePlan } from '../contract/task.js';
import { parseSource, type TemplateReference } from '../contract/template.js';
import { TaskKind } from '../graph/task-kind.js';
import { type FanOut, idsOf } from './fan-out.js';
import { planInputsOf } from './inputs.js';
import type { RunState } from './run-state.js';
import { valueText } from './value-text.js';

/** The plan whose results are read: that of the run, or that of a module. */
interface Scope {
  readonly state: RunState;
  /** The index of a task by its id in that plan; undefined for an element of a fan-out. */
  readonly indexOf: (id: string) => number | undefined;
  /** The id of one of its tasks in that plan. */
  readonly idOf: (index: number) => string;
  /** The task of the module; undefined for the run. */
  readonly module: number | undefined;
  /** The inputs of that plan that a result may show. */
  readonly inputs: InputValues | undefined;
}

/**
 * The results that a plan is for, as far as there are any: values of tasks that did not complete are left
 * out, and so are texts that refer to them.
 */
export function planOutputsOf(
  outputs: PlanOutputs | undefined,
  state: RunState,
): Readonly<Record<string, unknown>> {
  return resultsIn(scopeOfRun(state), outputs);
}

/** The results of a module, which are the output of its task. */
export function moduleOutputsOf(
  module: number,
  state: RunState,
  fanOut: FanOut,
): Readonly<Record<string, unknown>> {
  const { plan } = state.graph.taskOf(module) as { readonly plan: ModulePlan };
  const [child] = childrenOf(module, state);
  const inputs = child === undefined ? undefined : planInputsOf(child, state, fanOut);
  return resultsIn(scopeOfModule(module, state, inputs), plan.outputs);
}

/** The tasks whose outputs the results of a plan come from. */
export function planOutputTasks(outputs: PlanOutputs | undefined, state: RunState): number[] {
  return tasksIn(scopeOfRun(state), outputs);
}

/** The tasks whose outputs the results of a module come from. */
export function moduleOutputTasks(module: number, state: RunState): number[] {
  const { plan } = state.graph.taskOf(module);
  return tasksIn(scopeOfModule(module, state, undefined), plan?.outputs);
}

function scopeOfRun(state: RunState): Scope {
  const { graph } = state;
  return {
    state,
    indexOf(id) {
      const index = graph.indexOf(id);
      // `pages[0]` is a part of `pages`.
      const isElement = index !== undefined && (graph.kindOf(index) & TaskKind.item) !== 0;
      return isElement ? undefined : index;
    },
    idOf: (index) => graph.taskOf(index).id,
    module: undefined,
    inputs: state.planInputs && state.inputs,
  };
}

function scopeOfModule(module: number, state: RunState, inputs: InputValues | undefined): Scope {
  const { graph } = state;
  const { id, plan } = graph.taskOf(module);
  const ids = idsOf(plan?.tasks);
  return {
    state,
    indexOf: (name) => (ids.has(name) ? graph.indexOf(moduleTaskId(id, name)) : undefined),
    idOf: (index) => graph.taskOf(index).id.slice(moduleTaskId(id, '').length),
    module,
    inputs,
  };
}

function resultsIn(
  scope: Scope,
  outputs: PlanOutputs | undefined,
): Readonly<Record<string, unknown>> {
  // Without a prototype, so that "__proto__" is a name like any other.
  const values = Object.create(null) as Record<string, unknown>;
  const isOfRun = outputs === undefined && scope.module === undefined;
  for (const [name, source] of isOfRun ? lastCompleted(scope) : sourcesOf(outputs, scope)) {
    const value =
      typeof source === 'number' ? outputAt(source, scope.state) : resultAt(source, scope);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function tasksIn(scope: Scope, outputs: PlanOutputs | undefined): number[] {
  const isTask = (id: string) => scope.indexOf(id) !== undefined;
  return sourcesOf(outputs, scope).flatMap(([, source]) => {
    if (typeof source === 'number') return source;
    return parseSource(source, isTask).flatMap((part) => {
      const id = typeof part === 'string' ? undefined : part.id;
      return id === undefined ? [] : (scope.indexOf(id) as number);
    });
  });
}

function sourcesOf(
  outputs: PlanOutputs | undefined,
  scope: Scope,
): (readonly [name: string, source: string | number])[] {
  const named = (index: number) => [scope.idOf(index), index] as const;
  if (outputs === undefined) return finalTasks(scope).map(named);
  if (!Array.isArray(outputs)) return Object.entries(outputs as Readonly<Record<string, string>>);
  return outputs.flatMap((id: string) => {
    const index = scope.indexOf(id);
    return index === undefined ? [] : [named(index)];
  });
}

/** In a run, the completed tasks that no other completed one builds upon: a failed run has results, too. */
function lastCompleted(scope: Scope): (readonly [name: string, index: number])[] {
  const { state } = scope;
  const isCompleted = (index: number) => state.isCompleted(index);
  return finalTasks(scope, isCompleted)
    .filter(isCompleted)
    .map((index) => [scope.idOf(index), index]);
}

/** The tasks that no other one builds upon. Tasks that run after failures build upon none. */
function finalTasks(
  { state, module }: Scope,
  counts: (dependent: number) => boolean = () => true,
): number[] {
  const { graph } = state;
  const runsAfter = (index: number) => (graph.kindOf(index) & TaskKind.afterAny) !== 0;
  const isFinal = (index: number) => {
    let isLast = !runsAfter(index);
    graph.eachDependent(index, (dependent) => {
      if (!runsAfter(dependent) && counts(dependent)) isLast = false;
    });
    return isLast;
  };
  return childrenOf(module, state).filter(isFinal);
}

/** The tasks of a module, without their subtasks; those of the run when it is undefined. */
function childrenOf(module: number | undefined, { graph }: RunState): number[] {
  const children: number[] = [];
  if (module !== undefined) graph.eachChild(module, (child) => children.push(child));
  else {
    for (let index = 0; index < graph.size; index++) {
      if (graph.parentOf(index) === undefined) children.push(index);
    }
  }
  return children;
}

function outputAt(index: number, state: RunState): unknown {
  return state.isCompleted(index) && !state.isReleased(index) ? state.outputOf(index) : undefined;
}

/** What a loop tells besides its output, by a name like `draft#ending`. */
function factAt(name: string, { state, indexOf }: Scope): unknown {
  const { loop, fact } = parseLoopFact(name) ?? {};
  const index = loop === undefined ? undefined : indexOf(loop);
  return index === undefined || fact === undefined ? undefined : state.loopOf(index)?.[fact];
}

function resultAt(source: string, scope: Scope): unknown {
  const isKnown = (id: string) =>
    scope.indexOf(id) !== undefined ||
    (id === PLAN_INPUTS && scope.inputs !== undefined) ||
    factAt(id, scope) !== undefined;
  const read = ({ id, path }: TemplateReference) => {
    if (id === undefined) return undefined;
    const fact = factAt(id, scope);
    if (fact !== undefined) return readPath(fact, path);
    const index = scope.indexOf(id);
    return readPath(index === undefined ? scope.inputs : outputAt(index, scope.state), path);
  };
  const values = parseSource(source, isKnown).map((part) =>
    typeof part === 'string' ? part : read(part),
  );
  // A reference alone gives its value, not a text.
  if (values.length === 1) return values[0];
  if (values.some((value) => value === undefined)) return undefined;
  return values.map((value) => valueText(value, 2) ?? String(value)).join('');
}
