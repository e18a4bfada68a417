import { checkFlag, checkLimit, checkOptions, OptionError } from '@stratagem/core';
import { checkComplexity } from '../ask/decompose.js';
import { PLANNING_RUN_OPTIONS } from '../ask/make-plan.js';
import { PLANNER_OPTIONS, type PlannerOptions } from '../options/planner-options.js';
import type { PlanAndExecuteOptions } from './plan-and-execute.js';

export const OWNER = 'planAndExecute()';

/** Options of planning; few tasks can be enough to mend a plan. */
export const PLANNER_NAMES: readonly (keyof PlannerOptions)[] = PLANNER_OPTIONS;
export const REPLANNER_NAMES = PLANNER_NAMES.filter((name) => name !== 'minSubtasks');

/** Options of the run that carries the plan out. */
export const RUN_NAMES = ['maxParallel', 'failFast', ...PLANNING_RUN_OPTIONS] as const;

/** @throws {OptionError} when the goal or an option of this function itself cannot be used. */
export function checkPlanAndExecute(goal: string, options: PlanAndExecuteOptions): void {
  checkOptions(OWNER, options, [
    ...['strategy', 'runner', 'planner', 'complexity', 'review', 'stream', 'replan'],
    ...RUN_NAMES,
    ...PLANNER_NAMES,
  ]);
  if (typeof goal !== 'string' || goal.trim() === '') {
    throw new OptionError(`${OWNER}: the goal must be a text that is not empty`);
  }
  const { runner, planner, complexity, review, stream, replan } = options;
  for (const [name, given] of Object.entries({ runner, planner: planner ?? runner })) {
    if (typeof given?.run === 'function' && typeof given.name === 'string') continue;
    const message = `${name} must be a TaskRunner, such as openai() or simulated()`;
    throw new OptionError(`${OWNER}: ${message}`);
  }
  if (complexity !== undefined && typeof complexity !== 'function') {
    checkComplexity(OWNER, complexity);
  }
  if (review !== undefined && typeof review !== 'function') {
    throw new OptionError(`${OWNER}: review must be a function that is given the plan`);
  }
  if (stream !== undefined) checkFlag(OWNER, 'stream', stream);
  if (stream === true && review !== undefined) {
    const why =
      'review sees the whole plan before anything is run, and stream does not wait for it';
    throw new OptionError(`${OWNER}: ${why}; take one of them`);
  }
  if (replan === undefined) return;
  checkOptions(`${OWNER}: replan`, replan, ['maxRounds', 'maxTasks']);
  for (const name of ['maxRounds', 'maxTasks'] as const) {
    const limit = replan[name];
    if (limit !== undefined) checkLimit(`${OWNER}: replan`, name, limit);
  }
}
