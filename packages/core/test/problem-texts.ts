import { formatProblem } from '../src/contract/plan-error.js';
import type { Task } from '../src/contract/task.js';
import { validatePlan } from '../src/validate/plan.js';

/** The problems of a plan of these tasks, as a user reads them. */
export function problemTexts(tasks: readonly Task[]): string[] {
  return validatePlan({ goal: 'x', tasks }).map(formatProblem);
}
