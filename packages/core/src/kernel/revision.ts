import { isStratagemError, StratagemError } from '../contract/errors.js';
import type { PlanProblem } from '../contract/plan-error.js';
import type { Revision } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import { isCost, isUsage } from '../contract/usage.js';
import type { RunState } from '../state/run-state.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems, quote } from '../validate/checks.js';

const FIELDS = ['tasks', 'replaces', 'usage', 'costUsd', 'model', 'requestId'];

/**
 * What `revise` answered, as a revision that is what it says it is.
 *
 * @throws {StratagemError} `invalid_option` when it is none.
 */
export function readRevision(answer: unknown): Revision {
  if (answer === undefined) return { tasks: [] };
  if (Array.isArray(answer)) return { tasks: answer };
  const { tasks, replaces, usage, costUsd, model, requestId } = Object(answer) as Revision;
  if (!Array.isArray(tasks)) throw refuse('must give tasks, { tasks }, or undefined for none');
  // What is not seen would have its default: all failures are made up for.
  const unknown = Object.keys(answer as object).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw refuse(`gave an unknown field "${unknown}".${didYouMean(unknown, FIELDS)}`);
  }
  if (replaces !== undefined && !isListOfText(replaces)) {
    throw refuse('gave replaces that is no list of ids');
  }
  if (usage !== undefined && !isUsage(usage)) {
    throw refuse('gave a usage that is not { inputTokens, outputTokens } in numbers');
  }
  if (costUsd !== undefined && !isCost(costUsd)) {
    throw refuse('gave a costUsd that is no amount; leave it out when the price is unknown');
  }
  return {
    tasks,
    ...(replaces !== undefined && { replaces }),
    ...(usage !== undefined && { usage }),
    ...(costUsd !== undefined && { costUsd }),
    ...(typeof model === 'string' && { model }),
    ...(typeof requestId === 'string' && { requestId }),
  };
}

/** Why an answer of `revise` cannot be taken, with what that answer has cost all the same. */
export function atItsCost(thrown: unknown, answer: unknown): unknown {
  if (!isStratagemError(thrown)) return thrown;
  const { usage, costUsd, model } = Object(answer) as Revision;
  return Object.assign(thrown, { usage, costUsd, model });
}

function refuse(what: string): StratagemError {
  return new StratagemError('invalid_option', `revise() ${what}`);
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/**
 * What is wrong with a revision beyond its tasks by themselves and with each other: there are too
 * many, they need what failed, or it makes up for what did not fail.
 *
 * @param maxTasks How many may still be added.
 */
export function revisionProblems(
  { tasks, replaces = [] }: Revision,
  state: RunState,
  maxTasks: number,
): PlanProblem[] {
  const problems: Problems = [];
  let count = 0;
  eachTask(tasks, ['tasks'], (task, path) => {
    count++;
    for (const [position, name] of (task.dependencies ?? []).entries()) {
      const why = whyNotDone(name, state);
      if (why === undefined) continue;
      const message = `${quote(name)} ${why}; depend on what is completed, or do it in another way`;
      add(problems, 'failed_dependency', [...path, 'dependencies', position], message);
    }
  });
  if (count > maxTasks) {
    const message = `there are ${count} tasks, subtasks included; no more than ${maxTasks} may be added`;
    add(problems, 'too_many', ['tasks'], message);
  }
  const { failed } = state.replan;
  for (const [position, id] of replaces.entries()) {
    if (failed.includes(id)) continue;
    const message = `${quote(id)} is none of the failed tasks.${didYouMean(id, failed)}`;
    add(problems, 'invalid_value', ['replaces', position], message);
  }
  return problems;
}

/** What became of a task that will bring nothing. */
function whyNotDone(id: string, state: RunState): string | undefined {
  const index = state.graph.indexOf(id);
  if (index === undefined) return undefined;
  const status = state.statusOf(index);
  if (status === 'failed') return 'failed';
  const isDropped = status === 'skipped' && state.reasonOf(index) !== 'condition_false';
  return isDropped ? 'was skipped' : undefined;
}

function eachTask(
  tasks: readonly Task[],
  path: PlanPath,
  visit: (task: Task, path: PlanPath) => void,
): void {
  for (const [position, task] of tasks.entries()) {
    visit(task, [...path, position]);
    eachTask(task.subtasks ?? [], [...path, position, 'subtasks'], visit);
  }
}
