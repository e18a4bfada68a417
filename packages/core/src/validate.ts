import { findCycles } from './cycle.js';
import { Graph } from './graph.js';
import type { Plan } from './plan.js';
import { PlanError, type PlanProblem, type ProblemCode } from './problem.js';
import { didYouMean } from './suggest.js';
import { TASK_TYPES, type Task } from './task.js';

/**
 * Everything that is wrong with a plan; empty when it can be run.
 *
 * @example
 * for (const problem of validatePlan(plan)) console.error(formatProblem(problem));
 */
export function validatePlan(plan: Plan<unknown>): PlanProblem[] {
  return inspect(plan).problems;
}

/**
 * The graph of a plan that can be run.
 *
 * @throws {PlanError} listing every problem when it cannot.
 */
export function graphOf(plan: Plan<unknown>): Graph {
  const { problems, graph } = inspect(plan);
  if (graph === undefined || problems.length > 0) throw new PlanError(problems);
  return graph;
}

const PLAN_FIELDS = ['goal', 'tasks', 'metadata'];
const TASK_FIELDS = [
  'id',
  'description',
  'type',
  'dependencies',
  'priority',
  'estimate',
  'metadata',
  'run',
];
const ESTIMATE_FIELDS = ['durationMs'];

type Path = readonly (string | number)[];

function inspect(plan: Plan<unknown>): { problems: PlanProblem[]; graph?: Graph } {
  const problems: PlanProblem[] = [];
  if (!isRecord(plan)) {
    const message = 'a plan is an object with a goal and tasks';
    return { problems: [{ code: 'invalid_value', path: [], message }] };
  }
  checkFields(problems, plan, PLAN_FIELDS, []);
  if (typeof plan.goal !== 'string') {
    add(
      problems,
      plan.goal === undefined ? 'missing_field' : 'invalid_value',
      ['goal'],
      'must be a string',
    );
  }
  if (plan.metadata !== undefined) checkMetadata(problems, plan.metadata, ['metadata']);
  if (!Array.isArray(plan.tasks)) {
    add(
      problems,
      plan.tasks === undefined ? 'missing_field' : 'invalid_value',
      ['tasks'],
      'must be a list of tasks',
    );
    return { problems };
  }
  if (plan.tasks.length === 0) {
    add(problems, 'empty_plan', ['tasks'], 'the plan has no tasks; give it at least one');
    return { problems };
  }
  for (let index = 0; index < plan.tasks.length; index++) {
    checkTask(problems, plan.tasks[index] as Task, index);
  }
  if (problems.length > 0) {
    return { problems: problems.concat(connectionProblems(plan.tasks)) };
  }
  const graph = new Graph(plan.tasks.slice());
  checkConnections(problems, graph);
  return { problems, graph };
}

/** What is wrong between tasks, of whatever shape each of them is. */
export function connectionProblems(tasks: readonly unknown[]): PlanProblem[] {
  const problems: PlanProblem[] = [];
  checkConnections(problems, new Graph(Array.from(tasks, connectable)));
  return problems;
}

function checkConnections(problems: PlanProblem[], graph: Graph): void {
  if (graph.uniqueIds < graph.size) reportDuplicates(problems, graph.tasks);
  checkDependencies(problems, graph);
  if (!graph.acyclic) reportCycles(problems, graph);
}

/** What is left of a task for checking connections when its fields may have any shape. */
function connectable(task: unknown): Task {
  const { id, dependencies } = isRecord(task) ? task : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    id: text(id),
    dependencies: Array.isArray(dependencies) ? Array.from(dependencies, text) : [],
  };
}

function checkTask(problems: PlanProblem[], task: Task, index: number): void {
  const path: Path = ['tasks', index];
  if (!isRecord(task)) {
    add(problems, 'invalid_value', path, 'a task is an object with an id and a description');
    return;
  }
  checkFields(problems, task, TASK_FIELDS, path);
  const { id, description, type, dependencies, priority, estimate, run } = task;
  if (typeof id !== 'string' || id === '') {
    const code = id === undefined ? 'missing_field' : 'invalid_value';
    add(problems, code, [...path, 'id'], 'must be a non-empty string');
  }
  if (run !== undefined && typeof run !== 'function') {
    add(problems, 'invalid_value', [...path, 'run'], 'must be a function');
  }
  if (description === undefined) {
    if (run === undefined) {
      const message = 'is missing; a task without a run function needs a description, its prompt';
      add(problems, 'missing_field', [...path, 'description'], message);
    }
  } else if (typeof description !== 'string') {
    add(problems, 'invalid_value', [...path, 'description'], 'must be a string');
  } else if (description.trim() === '' && run === undefined) {
    add(problems, 'invalid_value', [...path, 'description'], 'is empty; it is the prompt');
  }
  if (type !== undefined && !TASK_TYPES.includes(type)) {
    const suggestion = typeof type === 'string' ? didYouMean(type, TASK_TYPES) : '';
    const message = `must be one of ${TASK_TYPES.join(', ')}.${suggestion}`;
    add(problems, 'invalid_value', [...path, 'type'], message);
  }
  if (dependencies !== undefined && !isListOfIds(dependencies)) {
    const message = `must be a list of task ids, like ["research"]`;
    add(problems, 'invalid_value', [...path, 'dependencies'], message);
  }
  if (priority !== undefined && !Number.isFinite(priority)) {
    add(problems, 'invalid_value', [...path, 'priority'], 'must be a number');
  }
  if (estimate !== undefined) checkEstimate(problems, estimate, [...path, 'estimate']);
  if (task.metadata !== undefined) checkMetadata(problems, task.metadata, [...path, 'metadata']);
}

function checkEstimate(problems: PlanProblem[], estimate: unknown, path: Path): void {
  if (!isRecord(estimate)) {
    add(problems, 'invalid_value', path, 'must be an object like { durationMs: 2000 }');
    return;
  }
  checkFields(problems, estimate, ESTIMATE_FIELDS, path);
  const { durationMs } = estimate;
  if (durationMs !== undefined && !(Number.isFinite(durationMs) && (durationMs as number) >= 0)) {
    add(
      problems,
      'invalid_value',
      [...path, 'durationMs'],
      'must be a number of milliseconds, 0 or more',
    );
  }
}

function checkMetadata(problems: PlanProblem[], metadata: unknown, path: Path): void {
  if (!isRecord(metadata)) add(problems, 'invalid_value', path, 'must be an object');
}

function checkFields(problems: PlanProblem[], value: object, known: string[], path: Path): void {
  for (const key in value) {
    if (known.includes(key) || (value as Record<string, unknown>)[key] === undefined) continue;
    const suggestion = didYouMean(key, known) || ` Known fields are ${known.join(', ')}.`;
    add(problems, 'unknown_field', [...path, key], `unknown field ${quote(key)}.${suggestion}`);
  }
}

function reportDuplicates(problems: PlanProblem[], tasks: readonly Task[]): void {
  const firsts = new Map<string, number>();
  for (let index = 0; index < tasks.length; index++) {
    const { id } = tasks[index] as Task;
    const first = firsts.get(id);
    if (first === undefined) firsts.set(id, index);
    else if (id !== '') {
      const message = `the id ${quote(id)} is already used by tasks[${first}]; ids must be unique`;
      add(problems, 'duplicate_id', ['tasks', index, 'id'], message);
    }
  }
}

/** Searching for a close id looks at many ids, so only so many typing errors get a suggestion. */
const MAX_SUGGESTIONS = 20;

function checkDependencies(problems: PlanProblem[], graph: Graph): void {
  // The last task that named a dependency: finds repeats without a set per task.
  const namedBy = new Int32Array(graph.size).fill(-1);
  const ambiguous = graph.uniqueIds < graph.size;
  const suggestions = { left: MAX_SUGGESTIONS };
  for (let index = 0; index < graph.size; index++) {
    // The graph has looked the names up already, and left out those that make no edge.
    let edges = 0;
    graph.eachDependency(index, (dependency) => {
      if (namedBy[dependency] !== index) edges++;
      namedBy[dependency] = index;
    });
    const named = (graph.tasks[index] as Task).dependencies?.length ?? 0;
    if (edges < named || ambiguous) reportDependencies(problems, graph, index, suggestions);
  }
}

function reportDependencies(
  problems: PlanProblem[],
  graph: Graph,
  index: number,
  suggestions: { left: number },
): void {
  const { id, dependencies = [] } = graph.tasks[index] as Task;
  const seen = new Set<string>();
  for (const [position, name] of dependencies.entries()) {
    if (name === '') continue; // Reported with the shape of the list.
    const path = ['tasks', index, 'dependencies', position];
    if (name === id) {
      add(problems, 'self_dependency', path, `task ${quote(id)} depends on itself`);
    } else if (graph.indexOf(name) === undefined) {
      const suggestion = suggestions.left-- > 0 ? didYouMean(name, graph.ids()) : '';
      add(problems, 'unknown_dependency', path, `there is no task ${quote(name)}.${suggestion}`);
    } else if (seen.has(name)) {
      add(problems, 'duplicate_dependency', path, `${quote(name)} is listed twice`);
    }
    seen.add(name);
  }
}

function reportCycles(problems: PlanProblem[], graph: Graph): void {
  for (const cycle of findCycles(graph)) {
    const ids = cycle.map((index) => shorten((graph.tasks[index] as Task).id));
    const shown = ids.length <= 12 ? ids : [...ids.slice(0, 8), '…', ...ids.slice(-3)];
    const message = `tasks wait for each other: ${shown.join(' → ')} (each depends on the next)`;
    add(problems, 'cycle', ['tasks', cycle[0] as number, 'dependencies'], message);
  }
}

/** The beginning of an id says which one is meant. */
function shorten(id: string): string {
  return id.length <= 80 ? id : `${id.slice(0, 80)}…`;
}

function quote(id: string): string {
  return `"${shorten(id)}"`;
}

function add(problems: PlanProblem[], code: ProblemCode, path: Path, message: string): void {
  problems.push({ code, path, message });
}

function isListOfIds(value: unknown): boolean {
  // Array.from, because every() passes over holes.
  return (
    Array.isArray(value) &&
    Array.from(value).every((item) => typeof item === 'string' && item !== '')
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
