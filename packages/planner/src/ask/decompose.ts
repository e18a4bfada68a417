import {
  checkOptions,
  isStratagemError,
  OptionError,
  type Plan,
  type PlanResult,
  type Task,
  type TaskRunner,
  type Usage,
} from '@stratagem/core';
import {
  PLANNER_OPTIONS,
  type PlannerOptions,
  type PlannerSettings,
  plannerSettings,
} from '../options/planner-options.js';
import { unlessCanceled } from '../util/cancellation.js';
import { NOTHING_SPENT } from '../util/cost.js';
import { only } from '../util/pick.js';
import { type Complexity, judgeComplexity } from './complexity.js';
import {
  checkPlanningRun,
  makePlan,
  noPlan,
  PLANNING_RUN_OPTIONS,
  type PlanningRunOptions,
} from './make-plan.js';
import { plannerPrompt } from './planner-prompt.js';
import type { RejectedAnswer } from './repair-loop.js';

/** How a plan is made; the limits of a run (`deadlineMs`, `budget`, …) hold for the making of it. */
export interface DecomposeOptions extends PlannerOptions, PlanningRunOptions {
  /** Who makes the plan. */
  readonly runner: TaskRunner;
  /**
   * Whether the goal is one task, which needs no model to say so, or many; or a function that says
   * so of a goal.
   * @default judged by the words of the goal: see `judgeComplexity`
   */
  readonly complexity?: Complexity | ((goal: string) => Complexity | Promise<Complexity>);
}

/** A plan, and how it came about. */
export interface Decomposition {
  readonly plan: Plan;
  readonly complexity: Complexity;
  /** What was mended in the model's answer, in plain sentences. */
  readonly repairs: readonly string[];
  /** The answers that were sent back before, and why. */
  readonly rejected: readonly RejectedAnswer[];
  /** Tokens of all requests. */
  readonly usage: Required<Usage>;
  /** Cost of all requests in US dollars; null when it is unknown. */
  readonly costUsd: number | null;
  /** The run that made the plan, with its log; undefined when no model was asked. */
  readonly result?: PlanResult;
}

const OWNER = 'decompose()';

/**
 * Makes a plan of a goal: asks a model for it, mends what plainly means a plan, and sends back what
 * does not, with everything that is wrong with it. A simple goal becomes one task, and no model is
 * asked. Nothing of the plan is run.
 *
 * Whatever a model answers, the plan has nothing in it but prompts, their order, and the tools and
 * models that the options allow, within the limits of the options.
 *
 * @param goal What the plan is to reach, in the user's words.
 * @throws {OptionError} when an option is unknown or out of range.
 * @throws {DecompositionError} when there is no plan at the end, with the last answer and what is
 * wrong with it.
 *
 * @example
 * const { plan, repairs } = await decompose('Research AI trends, then write a report', {
 *   runner: openai(),
 *   maxSubtasks: 6,
 * });
 * const result = await createExecutor({ strategy: parallel(), runner: openai() }).execute(plan);
 */
export async function decompose(goal: string, options: DecomposeOptions): Promise<Decomposition> {
  checkDecompose(goal, options);
  const { runner } = options;
  const run = only(options, PLANNING_RUN_OPTIONS);
  // Before the goal is judged, which may take a while.
  checkPlanningRun(runner, run);
  const settings = plannerSettings(OWNER, options);
  const complexity = await judged(goal, options);
  if (complexity === 'simple') {
    const plan = simplePlan(goal, settings);
    return { plan, complexity, repairs: [], rejected: [], ...NOTHING_SPENT };
  }
  const prompt = plannerPrompt(goal, settings);
  const { tasks, repairs, rejected, result } = await makePlan({
    ...{ goal, prompt, runner, settings, run },
  });
  const { usage, costUsd } = result.metrics;
  return { plan: { goal, tasks }, complexity, repairs, rejected, usage, costUsd, result };
}

/** @throws {DecompositionError} `plan_canceled` when the judge is not waited for any more. */
async function judged(goal: string, { complexity, signal }: DecomposeOptions): Promise<Complexity> {
  try {
    return await complexityOf(OWNER, goal, complexity, signal);
  } catch (error) {
    if (!isStratagemError(error) || error.code !== 'plan_canceled') throw error;
    throw noPlan(goal, error);
  }
}

/**
 * @throws {OptionError} when a function judges otherwise than it may.
 * @throws {StratagemError} `plan_canceled` when the signal is aborted before it has judged.
 */
export async function complexityOf(
  owner: string,
  goal: string,
  judge: DecomposeOptions['complexity'] = judgeComplexity,
  signal?: AbortSignal,
): Promise<Complexity> {
  const complexity =
    typeof judge === 'function' ? await unlessCanceled(signal, () => judge(goal)) : judge;
  checkComplexity(owner, complexity);
  return complexity;
}

/** The goal is the prompt, in which braces are text, and all tools are there for it. */
export function simplePlan(goal: string, { taskTypes, tools }: PlannerSettings): Plan {
  const [first] = taskTypes;
  const task: Task = {
    id: 'answer',
    description: goal.replaceAll('{{', '\\{{'),
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
  if (typeof goal !== 'string' || goal.trim() === '') {
    throw new OptionError(`${OWNER}: the goal must be a text that is not empty`);
  }
  const { runner, complexity } = options;
  if (typeof runner?.run !== 'function' || typeof runner.name !== 'string') {
    throw new OptionError(`${OWNER}: runner must be a TaskRunner, such as openai() or simulated()`);
  }
  if (complexity !== undefined && typeof complexity !== 'function') {
    checkComplexity(OWNER, complexity);
  }
}

export function checkComplexity(owner: string, complexity: unknown): void {
  if (complexity === 'simple' || complexity === 'complex') return;
  throw new OptionError(
    `${owner}: complexity must be 'simple' or 'complex', or a function that gives one of them`,
  );
}
