import { isStratagemError, StratagemError } from '../contract/errors.js';
import { subtasksOf, writtenTasksOf } from '../contract/module.js';
import type { PlanProblem } from '../contract/plan-error.js';
import type { Revision } from '../contract/replan.js';
import type { Task } from '../contract/task.js';
import { isAmount, usageOf } from '../contract/usage.js';
import type { RunState } from '../state/run-state.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems, quote } from '../validate/checks.js';

/** Finding a similar id compares many ids, so only the first unknown ids get a suggestion. */
const MAX_SUGGESTIONS = 20;

const FIELDS = ['tasks', 'replaces', 'usage', 'costUsd', 'model', 'requestId'];

/**
 * Checks the answer of `revise` and returns it as a revision.
 *
 * @throws {StratagemError} `invalid_option` when the answer is not a revision.
 */
export function readRevision(answer: unknown): Revision {
  if (answer === undefined) return { tasks: [] };
  if (Array.isArray(answer)) return { tasks: answer };
  const { tasks, replaces, usage, costUsd, model, requestId } = Object(answer) as Revision;
  if (!Array.isArray(tasks)) throw refusal('must return tasks, { tasks }, or undefined for none');
  // A misspelled `replaces` would fall back to its default, which replaces all failures.
  const unknown = Object.keys(answer as object).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw refusal(`returned an unknown field "${unknown}".${didYouMean(unknown, FIELDS)}`);
  }
  if (replaces !== undefined && !isListOfStrings(replaces)) {
    throw refusal('returned replaces that is not a list of ids');
  }
  const known = usageOf(usage);
  if (usage !== undefined && known === undefined) {
    throw refusal('returned a usage without the numbers inputTokens and outputTokens');
  }
  if (costUsd !== undefined && !isAmount(costUsd)) {
    throw refusal('returned a costUsd that is not an amount; omit it when the price is unknown');
  }
  return {
    tasks,
    ...(replaces !== undefined && { replaces: [...replaces] }),
    ...(known !== undefined && { usage: known }),
    ...(costUsd !== undefined && { costUsd }),
    ...(typeof model === 'string' && { model }),
    ...(typeof requestId === 'string' && { requestId }),
  };
}

/** Adds what a rejected answer of `revise` has cost to the error that rejects it. */
export function withUsage(thrown: unknown, answer: unknown): unknown {
  if (!isStratagemError(thrown)) return thrown;
  const { usage, costUsd, model } = Object(answer) as Revision;
  return Object.assign(thrown, { usage, costUsd, model });
}

function refusal(problem: string): StratagemError {
  return new StratagemError('invalid_option', `revise() ${problem}`);
}

function isListOfStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/**
 * Checks a revision against the run: too many tasks, dependencies on failed tasks, and replacements of
 * tasks that did not fail. The tasks themselves are checked elsewhere.
 *
 * @param maxTasks The number of tasks that may still be added.
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
      const status = lostStatus(name, state);
      if (status === undefined) continue;
      const message = `${quote(name)} ${status}; depend on completed tasks, or reach the goal another way`;
      add(problems, 'failed_dependency', [...path, 'dependencies', position], message);
    }
  });
  if (count > maxTasks) {
    const message = `there are ${count} tasks, including subtasks; at most ${maxTasks} may be added`;
    add(problems, 'too_many', ['tasks'], message);
  }
  const failed = new Set(state.replan.failed);
  let suggestionsLeft = MAX_SUGGESTIONS;
  for (const [position, id] of replaces.entries()) {
    if (failed.has(id)) continue;
    const suggestion = suggestionsLeft-- > 0 ? didYouMean(id, failed) : '';
    const message = `${quote(id)} is not one of the failed tasks.${suggestion}`;
    add(problems, 'invalid_value', ['replaces', position], message);
  }
  return problems;
}

/** How a task ended that will never provide an output. */
function lostStatus(id: string, state: RunState): string | undefined {
  const index = state.graph.indexOf(id);
  if (index === undefined) return undefined;
  const status = state.statusOf(index);
  if (status === 'failed' || status === 'canceled') return status;
  const isDropped = status === 'skipped' && !state.isNotChosen(index);
  return isDropped ? 'was skipped' : undefined;
}

function eachTask(
  tasks: readonly Task[],
  path: PlanPath,
  visit: (task: Task, path: PlanPath) => void,
): void {
  for (const [position, task] of tasks.entries()) {
    visit(task, [...path, position]);
    const inner = writtenTasksOf(task);
    eachTask(subtasksOf(task) ?? [], [...path, position, ...inner.path], visit);
  }
}
