import { optionProblem, TASK_OPTIONS } from '../contract/call-options.js';
import type { PlanProblem } from '../contract/plan-error.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath } from '../validate/checks.js';

/** Checks the profiles of models in a plan file, and the names that its tasks have for them. */
export function checkModels(problems: PlanProblem[], { models, tasks }: Record<string, unknown>) {
  if (models === undefined || !isRecord(models)) return;
  for (const [name, profile] of Object.entries(models)) {
    if (name === '' || name.includes('/')) {
      add(problems, 'invalid_value', ['models', name], 'must have a name without /');
    }
    if (!isRecord(profile)) continue;
    for (const option of TASK_OPTIONS) {
      const value = profile[option];
      const problem = value === undefined ? undefined : optionProblem(option, value);
      if (problem !== undefined) add(problems, 'invalid_value', ['models', name, option], problem);
    }
  }
  checkNames(problems, tasks, Object.keys(models), ['tasks']);
}

function checkNames(
  problems: PlanProblem[],
  tasks: unknown,
  names: readonly string[],
  path: PlanPath,
): void {
  if (!Array.isArray(tasks)) return;
  for (const [position, task] of tasks.entries()) {
    if (!isRecord(task)) continue;
    const { model, subtasks } = task;
    const [name] = typeof model === 'string' ? model.split('/') : [];
    if (name !== undefined && name !== '' && !names.includes(name)) {
      const hint = didYouMean(name, names) || ` The profiles are ${names.join(', ')}.`;
      const message = `there is no profile "${name}" in models.${hint}`;
      add(problems, 'unknown_model', [...path, position, 'model'], message);
    }
    checkNames(problems, subtasks, names, [...path, position, 'subtasks']);
  }
}
