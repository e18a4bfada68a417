import {
  isStratagemError,
  type Plan,
  type PlanResult,
  type Task,
  type TaskRunner,
  type TotalUsage,
} from '@stratagem/core';
import { checkOptions } from '@stratagem/core/runner';
import { checkGoal, checkRunner } from '../options/check-arguments.js';
import {
  PLANNER_OPTIONS,
  type PlannerOptions,
  type PlannerSettings,
  plannerSettings,
} from '../options/planner-options.js';
import { NO_COST } from '../util/cost.js';
import { pick } from '../util/pick.js';
import { escapeBraces } from '../util/text.js';
import {
  type Complexity,
  type ComplexityOption,
  checkComplexityOption,
  complexityOf,
} from './complexity.js';
import {
  checkPlanningRun,
  makePlan,
  noPlanError,
  PLANNING_RUN_OPTIONS,
  type PlanningRunOptions,
} from './make-plan.js';
import { plannerPrompt } from './planner-prompt.js';
import type { RejectedAnswer } from './repair-loop.js';

/** How to make a plan. The limits of a run (`deadlineMs`, `budget`, …) apply to planning alone. */
export interface DecomposeOptions extends PlannerOptions, PlanningRunOptions {
  /** Makes the plan. */
  readonly runner: TaskRunner;
  /**
   * Whether the goal is one task, which needs no planning by a model; or a function that decides it.
   * @default `estimateComplexity`, which looks at the words of the goal
   */
  readonly complexity?: ComplexityOption | undefined;
}

/** A plan, with the course and the cost of making it. */
export interface Decomposition {
  readonly plan: Plan;
  readonly complexity: Complexity;
  /** When the plan was ready: Unix time in milliseconds. */
  readonly createdAt: number;
  /** What was repaired in the model's answer, in plain sentences. */
  readonly repairs: readonly string[];
  /** The answers that were sent back, and their problems. */
  readonly rejectedAnswers: readonly RejectedAnswer[];
  /** Tokens of all requests. */
  readonly usage: TotalUsage;
  /** Cost of all requests in US dollars; null when it is unknown. */
  readonly costUsd: number | null;
  /** The run that made the plan, with its log; undefined when no model was asked. */
  readonly result?: PlanResult | undefined;
}

const OWNER = 'decompose()';

/**
 * Makes a plan for a goal, without running it. A model writes the plan. An answer whose meaning is
 * clear is repaired; any other is sent back with all its problems. A simple goal becomes one task,
 * and no model is asked.
 *
 * For any answer, the plan contains only prompts, dependencies, and the tools and models that the
 * options allow, within the limits of the options.
 *
 * @param goal What the plan should achieve, in the user's words.
 * @throws {OptionError} when an option is unknown or out of range.
 * @throws {DecompositionError} when no plan could be made; it has the last answer and its problems.
 *
 * @example
 * const { plan, repairs } = await decompose('Research AI trends, then write a report', {
 *   runner: openai(),
 *   maxSubtasks: 6,
 * });
 * const executor = createExecutor({ strategy: parallel(), runner: openai() });
 * const result = await executor.execute(plan).orThrow();
 */
export async function decompose(goal: string, options: DecomposeOptions): Promise<Decomposition> {
  checkDecompose(goal, options);
  const { runner } = options;
  const run = pick(options, PLANNING_RUN_OPTIONS);
  // Wrong options are reported before the caller's complexity function runs, which may take long.
  checkPlanningRun(runner, run);
  const settings = plannerSettings(OWNER, options);
  const complexity = await estimate(goal, options);
  if (complexity === 'simple') {
    const plan = singleTaskPlan(goal, settings);
    const createdAt = Date.now();
    return { plan, complexity, createdAt, repairs: [], rejectedAnswers: [], ...NO_COST };
  }
  const prompt = plannerPrompt(goal, settings);
  const { tasks, repairs, rejectedAnswers, result } = await makePlan({
    ...{ goal, prompt, runner, settings, run },
  });
  const { usage, costUsd } = result.metrics;
  const plan = { goal, tasks };
  const createdAt = Date.now();
  return { plan, complexity, createdAt, repairs, rejectedAnswers, usage, costUsd, result };
}

/** @throws {DecompositionError} `run_canceled` when the signal aborts meanwhile. */
async function estimate(
  goal: string,
  { complexity, signal }: DecomposeOptions,
): Promise<Complexity> {
  try {
    return await complexityOf(OWNER, goal, complexity, signal);
  } catch (error) {
    if (!isStratagemError(error) || error.code !== 'run_canceled') throw error;
    throw noPlanError(goal, error);
  }
}

/** A plan whose only task has the goal as its prompt, and may use all tools. */
export function singleTaskPlan(goal: string, { taskTypes, tools }: PlannerSettings): Plan {
  const [first] = taskTypes;
  const task: Task = {
    id: 'answer',
    description: escapeBraces(goal),
    ...(!taskTypes.includes('action') && first !== undefined && { type: first }),
    ...(tools.length > 0 && { tools: tools.map(({ name }) => name) }),
  };
  return { goal, tasks: [task] };
}

function checkDecompose(goal: string, options: DecomposeOptions): void {
  checkOptions(OWNER, options, [
    'runner',
    'complexity',
    ...PLANNER_OPTIONS,
    ...PLANNING_RUN_OPTIONS,
  ]);
  checkGoal(OWNER, goal);
  checkRunner(OWNER, 'runner', options.runner);
  checkComplexityOption(OWNER, options.complexity);
}
