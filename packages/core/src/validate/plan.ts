import { checkOptions } from '../contract/check-options.js';
import type { Plan } from '../contract/plan.js';
import { PLAN_SETTINGS } from '../contract/plan.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { isStandardSchema } from '../contract/schema.js';
import type { ModulePlan, Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { isRecord } from '../util/record.js';
import { add, checkFields, type Problems } from './checks.js';
import { connectable } from './connectable.js';
import { checkGraph, type OuterTasks } from './dependencies.js';
import { checkGoalPlaces } from './goal-places.js';
import { InputShapes } from './input-shapes.js';
import { checkModuleSettings, isModulePlan } from './module.js';
import { checkUnfolded, ModuleChecker } from './modules.js';
import { isOfObjects } from './plan-inputs.js';
import { checkPlanOutputs } from './plan-outputs.js';
import { checkSettings } from './settings.js';
import { checkTask } from './task.js';

/** How deep subtasks may nest by default. */
export const DEFAULT_MAX_DEPTH = 8;

const PLAN_FIELDS = ['goal', 'tasks', ...PLAN_SETTINGS];

/**
 * Lists the problems of a plan; a valid plan has none.
 *
 * @param options.maxDepth How deep subtasks may nest; 8 by default.
 *
 * @example
 * for (const problem of validatePlan(plan)) console.error(formatProblem(problem));
 */
export function validatePlan(
  plan: Plan<unknown>,
  options: { readonly maxDepth?: number | undefined } = {},
): PlanProblem[] {
  checkOptions('validatePlan()', options, ['maxDepth']);
  return inspect(plan, options.maxDepth ?? DEFAULT_MAX_DEPTH).problems;
}

/**
 * The graph of a valid plan.
 *
 * @throws {PlanError} with every problem of an invalid one.
 */
export function graphOf(plan: Plan<unknown>, maxDepth = DEFAULT_MAX_DEPTH): Graph {
  const tasks: unknown = plan?.tasks;
  return graphOfOwn(Array.isArray(tasks) ? { ...plan, tasks: tasks.slice() } : plan, maxDepth);
}

/** The same for a plan whose list of tasks never changes: the graph keeps it. */
export function graphOfOwn(plan: Plan<unknown>, maxDepth = DEFAULT_MAX_DEPTH): Graph {
  const { problems, graph } = inspect(plan, maxDepth);
  if (graph === undefined || problems.length > 0) throw new PlanError(problems);
  return graph;
}

function inspect(plan: Plan<unknown>, maxDepth: number): { problems: Problems; graph?: Graph } {
  const found = inspectPlan(plan, maxDepth);
  const { problems, graph } = found;
  if (!isModulePlan(plan)) return found;
  const modules = new ModuleChecker(maxDepth, (inner) => modulePlanProblems(inner, maxDepth));
  if (!modules.check(problems, plan) || graph === undefined) return found;
  if (problems.length > 0) return { problems };
  checkUnfolded(problems, plan.tasks);
  return { problems, graph: new Graph(plan.tasks) };
}

/** Lists the problems of the plan of a module by itself, without those of the modules in it. */
function modulePlanProblems(plan: ModulePlan, maxDepth: number): PlanProblem[] {
  const { problems } = inspectPlan(plan as Plan, maxDepth);
  checkModuleSettings(problems, plan, []);
  return problems;
}

/** The graph of a valid plan, without the tasks of its modules. */
function inspectPlan(plan: Plan<unknown>, maxDepth: number): { problems: Problems; graph?: Graph } {
  const problems: Problems = [];
  if (!isRecord(plan)) {
    const message = 'a plan is an object with a goal and tasks';
    return { problems: [{ code: 'invalid_value', path: [], message }] };
  }
  checkFields(problems, plan, PLAN_FIELDS, []);
  const { goal, tasks } = plan as Plan;
  if (typeof goal !== 'string') {
    const code = goal === undefined ? 'missing_field' : 'invalid_value';
    add(problems, code, ['goal'], 'must be a string');
  }
  checkSettings(problems, plan);
  if (!Array.isArray(tasks)) {
    const code = tasks === undefined ? 'missing_field' : 'invalid_value';
    add(problems, code, ['tasks'], 'must be a list of tasks');
    return { problems };
  }
  if (tasks.length === 0) {
    add(problems, 'empty_plan', ['tasks'], 'the plan has no tasks; give it at least one');
    return { problems };
  }
  checkTasks(problems, tasks, maxDepth);
  if (problems.length > 0) {
    return { problems: problems.concat(crossTaskProblems(tasks, plan)) };
  }
  const graph = new Graph(tasks, true);
  checkPlaces(problems, graph, plan);
  return { problems, graph };
}

/**
 * Lists the problems of tasks that are to be added to a running plan. Takes time in proportion to
 * these tasks alone.
 *
 * @param existing The tasks of the plan so far.
 */
export function additionProblems(
  tasks: readonly Task[],
  existing: Pick<OuterTasks, 'isTaken' | 'isOpenFanOut' | 'isOpenLoop' | 'planInputs'>,
  maxDepth = DEFAULT_MAX_DEPTH,
): PlanProblem[] {
  const problems: Problems = [];
  if (!Array.isArray(tasks)) {
    add(problems, 'invalid_value', ['tasks'], 'must be a list of tasks');
    return problems;
  }
  checkTasks(problems, tasks, maxDepth);
  if (problems.length === 0) checkGraph(problems, new Graph(tasks, true), existing);
  const modules = new ModuleChecker(maxDepth, (inner) => modulePlanProblems(inner, maxDepth));
  if (modules.check(problems, { goal: '', tasks }) && problems.length === 0) {
    checkUnfolded(problems, tasks, existing.isTaken);
  }
  return problems;
}

/** Lists the problems of tasks with each other, also where some task is invalid by itself. */
export function crossTaskProblems(tasks: readonly unknown[], plan: PlanPlaces): PlanProblem[] {
  const problems: Problems = [];
  checkPlaces(
    problems,
    new Graph(
      Array.from(tasks, (task) => connectable(task)),
      true,
    ),
    plan,
  );
  return problems;
}

/** The settings of a plan that refer to tasks, or that tasks refer to. */
interface PlanPlaces {
  readonly goalState?: unknown;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
}

function checkPlaces(problems: Problems, graph: Graph, plan: PlanPlaces): void {
  const { goalState, inputs, outputs } = plan;
  const planInputs = isStandardSchema(inputs) && isOfObjects(inputs) ? inputs : undefined;
  checkGraph(problems, graph, { planInputs });
  const shapes = new InputShapes(graph, { planInputs });
  checkGoalPlaces(problems, goalState, graph, shapes);
  checkPlanOutputs(problems, graph, outputs, shapes);
}

function checkTasks(problems: Problems, tasks: readonly Task[], maxDepth: number): void {
  // One path for all tasks: most have no problem that needs it.
  const path: [string, number] = ['tasks', 0];
  for (let index = 0; index < tasks.length; index++) {
    path[1] = index;
    checkTask(problems, tasks[index] as Task, path, maxDepth);
  }
}
