import { formatProblem, type ProblemCode } from '@stratagem/core';

/** What can be wrong with an answer, beyond the problems that any plan can have. */
export type AnswerProblemCode =
  | ProblemCode
  /** The answer contains no readable JSON. */
  | 'not_json'
  /** The answer contains JSON, but no list of tasks. */
  | 'no_plan'
  /** The answer contains several different plans. */
  | 'several_plans'
  /** The list of tasks, or the order of its tasks, is ambiguous. */
  | 'unclear'
  /** The answer ends before the list of tasks ends. */
  | 'cut_off'
  /** The answer, or a text in it, exceeds a limit. */
  | 'too_long'
  | 'too_many_tasks'
  | 'too_few_tasks'
  /** A task has a field that a model may not set. */
  | 'forbidden_field'
  | 'unknown_model';

/** One problem of a model's answer. */
export interface AnswerProblem {
  readonly code: AnswerProblemCode;
  /** Keys and positions from the plan down to the problem: `['tasks', 3, 'dependencies', 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** `tasks[3].dependencies[0]: there is no task "reserch". Did you mean "research"?` */
export function formatAnswerProblem(problem: AnswerProblem): string {
  return formatProblem({ ...problem, code: 'invalid_value' });
}
