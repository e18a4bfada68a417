import { optionProblem, TASK_OPTIONS } from '../contract/call-options.js';
import type { PlanProblem } from '../contract/plan-error.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath } from '../validate/checks.js';

/** Where a task names its model, in a file without profiles: the plan around it may have some. */
export interface ModelUse {
  readonly model: string;
  readonly path: PlanPath;
  /** The file of a module. */
  readonly file?: string | undefined;
}

/**
 * Checks the profiles of models in a plan file, and the names that its tasks have for them.
 *
 * @returns The names that its tasks have for models, when it has no profiles.
 */
export function checkModels(
  problems: PlanProblem[],
  { models, tasks }: Record<string, unknown>,
): ModelUse[] {
  const uses = usesIn(tasks, ['tasks'], []);
  if (models === undefined || !isRecord(models)) return uses;
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
  problems.push(...unknownModels(uses, Object.keys(models), ''));
  return [];
}

/** @param why What else there is to say, as a sentence after a space. */
export function unknownModels(
  uses: readonly ModelUse[],
  names: readonly string[],
  why: string,
): PlanProblem[] {
  return uses.flatMap(({ model, path, file }) => {
    const [name] = model.split('/');
    if (name === undefined || name === '' || names.includes(name)) return [];
    const hint = didYouMean(name, names) || ` The profiles are ${names.join(', ')}.`;
    const message = `there is no profile "${name}" in models.${hint}${why}`;
    return { code: 'unknown_model', path, message, ...(file !== undefined && { file }) };
  });
}

function usesIn(tasks: unknown, path: PlanPath, uses: ModelUse[]): ModelUse[] {
  if (!Array.isArray(tasks)) return uses;
  for (const [position, task] of tasks.entries()) {
    if (!isRecord(task)) continue;
    const { model, subtasks } = task;
    if (typeof model === 'string') uses.push({ model, path: [...path, position, 'model'] });
    usesIn(subtasks, [...path, position, 'subtasks'], uses);
  }
  return uses;
}
