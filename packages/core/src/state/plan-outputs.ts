import type { PlanOutputs } from '../contract/plan.js';
import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import { readPath } from '../contract/reference.js';
import { parseSource, type TemplateReference } from '../contract/template.js';
import { TaskKind } from '../graph/task-kind.js';
import type { RunState } from './run-state.js';
import { valueText } from './value-text.js';

/**
 * The results that a plan is for, as far as there are any: values of tasks that did not complete are left
 * out, and so are texts that refer to them.
 */
export function planOutputsOf(
  outputs: PlanOutputs | undefined,
  state: RunState,
): Readonly<Record<string, unknown>> {
  // Without a prototype, so that "__proto__" is a name like any other.
  const values = Object.create(null) as Record<string, unknown>;
  for (const [name, source] of sourcesOf(outputs, state)) {
    const value = typeof source === 'number' ? outputAt(source, state) : resultAt(source, state);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** The tasks whose outputs the results of a plan come from. */
export function planOutputTasks(outputs: PlanOutputs | undefined, state: RunState): number[] {
  const { graph } = state;
  const isTask = (id: string) => isInPlan(id, state);
  return sourcesOf(outputs, state).flatMap(([, source]) => {
    if (typeof source === 'number') return source;
    return parseSource(source, isTask).flatMap((part) => {
      const id = typeof part === 'string' ? undefined : part.id;
      return id === undefined ? [] : (graph.indexOf(id) as number);
    });
  });
}

function sourcesOf(
  outputs: PlanOutputs | undefined,
  state: RunState,
): (readonly [name: string, source: string | number])[] {
  const { graph } = state;
  const named = (index: number) => [graph.taskOf(index).id, index] as const;
  if (outputs === undefined) return finalTasks(state).map(named);
  if (!Array.isArray(outputs)) return Object.entries(outputs as Readonly<Record<string, string>>);
  return outputs.flatMap((id: string) => {
    const index = graph.indexOf(id);
    return index === undefined ? [] : [named(index)];
  });
}

/** The tasks that no other one builds upon. Tasks that run after failures build upon none. */
function finalTasks({ graph }: RunState): number[] {
  const runsAfter = (index: number) => (graph.kindOf(index) & TaskKind.afterAny) !== 0;
  const final: number[] = [];
  for (let index = 0; index < graph.size; index++) {
    if (graph.parentOf(index) !== undefined || runsAfter(index)) continue;
    let isFinal = true;
    graph.eachDependent(index, (dependent) => {
      if (!runsAfter(dependent)) isFinal = false;
    });
    if (isFinal) final.push(index);
  }
  return final;
}

/** Whether this is the id of a task that is no element of a fan-out: `pages[0]` is a part of `pages`. */
function isInPlan(id: string, { graph }: RunState): boolean {
  const index = graph.indexOf(id);
  return index !== undefined && (graph.kindOf(index) & TaskKind.item) === 0;
}

function outputAt(index: number, state: RunState): unknown {
  return state.isCompleted(index) && !state.isReleased(index) ? state.outputOf(index) : undefined;
}

function resultAt(source: string, state: RunState): unknown {
  const { graph, planInputs } = state;
  const isKnown = (id: string) =>
    isInPlan(id, state) || (id === PLAN_INPUTS && planInputs !== undefined);
  const read = ({ id, path }: TemplateReference) => {
    if (id === undefined) return undefined;
    const index = graph.indexOf(id);
    return readPath(index === undefined ? state.inputs : outputAt(index, state), path);
  };
  const values = parseSource(source, isKnown).map((part) =>
    typeof part === 'string' ? part : read(part),
  );
  // A reference alone gives its value, not a text.
  if (values.length === 1) return values[0];
  if (values.some((value) => value === undefined)) return undefined;
  return values.map((value) => valueText(value, 2) ?? String(value)).join('');
}
