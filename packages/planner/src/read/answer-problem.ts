import { formatProblem, type ProblemCode } from '@stratagem/core';

/** What can be wrong with an answer besides what can be wrong with any plan. */
export type AnswerProblemCode =
  | ProblemCode
  /** There is no JSON in it that could be read. */
  | 'not_json'
  /** There is JSON, but no list of tasks in it. */
  | 'no_plan'
  /** There are several plans, and nothing says which one is meant. */
  | 'several_plans'
  /** What it says of the whole plan can be read in more than one way. */
  | 'unclear'
  /** It ends before the list of tasks does. */
  | 'cut_off'
  /** The answer, or a text in it, is longer than allowed. */
  | 'too_long'
  | 'too_many_tasks'
  | 'too_few_tasks'
  /** A field of tasks that a model has no say in. */
  | 'forbidden_field'
  | 'unknown_model';

/** One thing that is wrong with a model's answer. */
export interface AnswerProblem {
  readonly code: AnswerProblemCode;
  /** Where, as keys and positions from the plan down: `['tasks', 3, 'dependencies', 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** `tasks[3].dependencies[0]: there is no task "reserch". Did you mean "research"?` */
export function formatAnswerProblem({ path, message }: AnswerProblem): string {
  return formatProblem({ code: 'invalid_value', path, message });
}
