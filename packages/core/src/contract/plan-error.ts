import { OptionError, StratagemError } from './errors.js';

export type ProblemCode =
  | 'invalid_value'
  | 'unknown_field'
  | 'missing_field'
  | 'empty_plan'
  | 'duplicate_id'
  | 'unknown_dependency'
  | 'failed_dependency'
  | 'duplicate_dependency'
  | 'self_dependency'
  | 'cycle'
  | 'unknown_reference'
  | 'unknown_tool'
  | 'unknown_model'
  | 'unsupported_option'
  | 'not_allowed'
  | 'duplicate_tool'
  | 'conflict'
  | 'too_deep'
  | 'too_many';

/** One problem of a plan. */
export interface PlanProblem {
  readonly code: ProblemCode;
  /** Keys and positions from the plan down: `['tasks', 3, 'dependencies', 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The file of the module that has it; undefined for the plan itself. */
  readonly file?: string | undefined;
}

/** An invalid plan; `problems` lists all of its problems. */
export class PlanError extends StratagemError {
  readonly problems: readonly PlanProblem[];

  constructor(problems: readonly PlanProblem[]) {
    const shown = problems.slice(0, 20).map((problem) => `  - ${formatProblem(problem)}`);
    if (problems.length > shown.length)
      shown.push(`  - and ${problems.length - shown.length} more`);
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super('invalid_plan', `The plan is invalid, it has ${count}:\n${shown.join('\n')}`);
    this.problems = problems;
  }
}

/** `tasks[3].dependencies[0]: there is no task "reserch". Did you mean "research"?`, after the file of a module */
export function formatProblem(problem: PlanProblem): string {
  if (!Array.isArray(problem?.path)) {
    throw new OptionError('formatProblem() takes a problem of validatePlan() or of a PlanError');
  }
  const { path, message, file } = problem;
  const place = formatPath(path);
  const located = place === '' ? message : `${place}: ${message}`;
  return file === undefined ? located : `${file}: ${located}`;
}

/** `tasks[3].dependencies[0]` */
export function formatPath(path: PlanProblem['path']): string {
  return path.reduce<string>((place, step) => {
    if (typeof step === 'number') return `${place}[${step}]`;
    return place === '' ? step : `${place}.${step}`;
  }, '');
}
