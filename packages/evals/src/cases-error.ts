import { formatProblem, OptionError, type PlanProblem } from '@stratagem/core';

/** Cases that cannot be run, with all problems; their paths begin with `cases`. */
export class CasesError extends OptionError {
  readonly problems: readonly PlanProblem[];

  constructor(problems: readonly PlanProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}
