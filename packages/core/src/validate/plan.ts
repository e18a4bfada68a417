import type { Plan } from '../contract/plan.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { add, checkFields, isRecord, type Problems } from './checks.js';
import { connectionProblems, type Surroundings } from './dependencies.js';
import { checkGoalPlaces, checkSettings, SETTING_FIELDS } from './settings.js';
import { checkTask } from './task.js';

/** How deep subtasks may nest when nothing else is said. */
export const DEFAULT_MAX_DEPTH = 8;

const PLAN_FIELDS = ['goal', 'tasks', ...SETTING_FIELDS];

/**
 * Everything that is wrong with a plan; empty when it can be run.
 *
 * @param options.maxDepth How deep subtasks may nest; 8 when left out.
 *
 * @example
 * for (const problem of validatePlan(plan)) console.error(formatProblem(problem));
 */
export function validatePlan(
  plan: Plan<unknown>,
  options: { readonly maxDepth?: number } = {},
): PlanProblem[] {
  return inspect(plan, options.maxDepth ?? DEFAULT_MAX_DEPTH).problems;
}

/**
 * The graph of a plan that can be run.
 *
 * @throws {PlanError} listing every problem when it cannot.
 */
export function graphOf(plan: Plan<unknown>, maxDepth = DEFAULT_MAX_DEPTH): Graph {
  const { problems, graph } = inspect(plan, maxDepth);
  if (graph === undefined || problems.length > 0) throw new PlanError(problems);
  return graph;
}

function inspect(plan: Plan<unknown>, maxDepth: number): { problems: Problems; graph?: Graph } {
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
    return { problems: problems.concat(betweenTasks(tasks, plan.goalState)) };
  }
  const graph = new Graph(tasks);
  connectionProblems(problems, graph);
  checkGoalPlaces(problems, plan.goalState, (id) => graph.indexOf(id) !== undefined);
  return { problems, graph };
}

/**
 * What is wrong with tasks that are to be added to a running plan: by themselves, with each other,
 * and with what is there.
 *
 * @param there The tasks that are there, by their ids.
 */
export function additionProblems(
  tasks: readonly Task[],
  there: Pick<Surroundings, 'isTaken' | 'willFanOut'>,
  maxDepth = DEFAULT_MAX_DEPTH,
): PlanProblem[] {
  const problems: Problems = [];
  if (!Array.isArray(tasks)) {
    add(problems, 'invalid_value', ['tasks'], 'must be a list of tasks');
    return problems;
  }
  checkTasks(problems, tasks, maxDepth);
  if (problems.length === 0) connectionProblems(problems, new Graph(tasks), there);
  return problems;
}

/** What is wrong between tasks, whatever is wrong with each of them. */
export function betweenTasks(tasks: readonly unknown[], goalState?: unknown): PlanProblem[] {
  const problems: Problems = [];
  const graph = new Graph(Array.from(tasks, (task) => connectable(task)));
  connectionProblems(problems, graph);
  checkGoalPlaces(problems, goalState, (id) => graph.indexOf(id) !== undefined);
  return problems;
}

function checkTasks(problems: Problems, tasks: readonly Task[], maxDepth: number): void {
  for (let index = 0; index < tasks.length; index++) {
    checkTask(problems, tasks[index] as Task, ['tasks', index], maxDepth);
  }
}

/** Deeper than this, nothing is looked at any more: a plan from outside may nest without end. */
const MAX_LOOK = 100;

/** What is left of a task for checking connections when its fields may have any shape. */
function connectable(task: unknown, depth = 1): Task {
  const record = isRecord(task) ? task : {};
  const { id, type, dependencies, description, when, forEach, subtasks } = record;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    id: text(id),
    dependencies: Array.isArray(dependencies) ? Array.from(dependencies, text) : [],
    // An aggregate is done itself, so that its description is a prompt.
    ...(type === 'aggregate' && { type }),
    ...(typeof description === 'string' && { description }),
    ...(isRecord(when) && { when: when as never }),
    ...((typeof forEach === 'string' || isRecord(forEach)) && { forEach: forEach as never }),
    ...(Array.isArray(subtasks) &&
      depth < MAX_LOOK && { subtasks: subtasks.map((each) => connectable(each, depth + 1)) }),
  };
}
