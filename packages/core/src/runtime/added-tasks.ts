import type { ValueCodec } from '../contract/codec.js';
import { describe, RunnerError } from '../contract/errors.js';
import { subtasksOf } from '../contract/module.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { isTemplate, type Task } from '../contract/task.js';
import { tasksToData } from '../serialize/plan.js';
import { toData } from '../serialize/value.js';
import type { RunState } from '../state/run-state.js';

/** Calls `visit` with each task and its subtasks, without the patterns of fan-outs and loops. */
export function eachTask(tasks: readonly Task[], visit: (task: Task) => void): void {
  for (const task of tasks) {
    visit(task);
    if (!isTemplate(task)) eachTask(subtasksOf(task) ?? [], visit);
  }
}

/** @throws {PlanError} listing the values that cannot be stored in a journal. */
export function requireStorable(tasks: readonly Task[]): void {
  const problems: PlanProblem[] = [];
  tasksToData(tasks, problems);
  if (problems.length > 0) throw new PlanError(problems);
}

/** Refuses the items of a fan-out that cannot be stored in a journal. */
export function storableItems(codecs: readonly ValueCodec[] | undefined) {
  return (items: readonly unknown[]): void => {
    try {
      toData(items, codecs);
    } catch (thrown) {
      const message = `the items of its forEach cannot be stored in the journal: ${describe(thrown)}`;
      throw new RunnerError('invalid_input', message);
    }
  };
}

/** @throws {PlanError} when a task depends on an output that was dropped. */
export function requireOutputs(tasks: readonly Task[], state: RunState): void {
  const problems: PlanProblem[] = [];
  eachTask(tasks, ({ id, dependencies = [] }) => {
    for (const name of dependencies) {
      const index = state.graph.indexOf(name);
      if (index === undefined || !state.isReleased(index)) continue;
      const message = `task "${id}" needs the output of "${name}", which was dropped (outputs: 'final')`;
      problems.push({ code: 'failed_dependency', path: ['tasks'], message });
    }
  });
  if (problems.length > 0) throw new PlanError(problems);
}
