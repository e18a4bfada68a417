import {
  createExecutor,
  type Executor,
  isStratagemError,
  OptionError,
  type Plan,
  PlanError,
  type PlanResult,
  type Replan,
  type RunOptions,
  StratagemError,
  type Task,
  type TaskResult,
  type TaskRunner,
  validatePlan,
} from '@stratagem/core';
import { EventFeed } from '@stratagem/core/kernel';
import { describe, resourceOf } from '@stratagem/core/runner';
import { complexityOf } from '../ask/complexity.js';
import { type Decomposition, decompose, singleTaskPlan } from '../ask/decompose.js';
import { DecompositionError } from '../ask/decomposition-error.js';
import { finalTaskOf } from '../ask/final-task.js';
import { noPlanError, PLANNING_RUN_OPTIONS } from '../ask/make-plan.js';
import { planSchema } from '../ask/plan-schema.js';
import { plannerPrompt } from '../ask/planner-prompt.js';
import { planningTask } from '../ask/planning-task.js';
import { PLANNER_OPTIONS, type PlannerSettings } from '../options/planner-options.js';
import { StreamedPlan } from '../stream/streamed-plan.js';
import { unlessCanceled } from '../util/cancellation.js';
import { addCosts, type Cost, NO_COST } from '../util/cost.js';
import { pick } from '../util/pick.js';
import { announceFallback, mayFallBack } from './fallback.js';
import { type FinalTaskRef, goalReplan, STREAMED_PLAN_TASK_ID } from './goal-replan.js';
import type { CompletedGoal, GoalResult, Planning, UnfinishedGoal } from './goal-result.js';
import { EXECUTION_OPTIONS, OWNER, type PlanAndExecuteOptions } from './options.js';
import { type PlanningResource, planningLimits, remainingLimits } from './remaining-limits.js';

/** Plans one goal and runs the plan. */
export class GoalRun {
  readonly events: EventFeed;
  readonly #goal: string;
  readonly #options: PlanAndExecuteOptions;
  readonly #settings: PlannerSettings;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #final: FinalTaskRef = { taskId: undefined };
  #planning: Planning = { repairs: [], rejectedAnswers: [] };
  #cost: Cost = NO_COST;
  #plan: Plan | undefined;
  /** Why there is no plan, if one task answers the goal instead. */
  #failure: DecompositionError | undefined;

  /** @throws {OptionError} when an option of a run is invalid. */
  constructor(goal: string, options: PlanAndExecuteOptions, settings: PlannerSettings) {
    const { signal, timeline } = options;
    this.#goal = goal;
    this.#options = options;
    this.#settings = settings;
    this.#createExecutor(options.runner, {});
    this.events = new EventFeed(timeline !== 'stream');
    const own = this.#controller.signal;
    this.#signal = signal === undefined ? own : AbortSignal.any([signal, own]);
  }

  cancel(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  async start(): Promise<GoalResult> {
    // Lets the caller listen or cancel before anything starts.
    await undefined;
    try {
      return await this.#planAndExecute();
    } catch (thrown) {
      return this.#unfinished(asError(thrown), undefined);
    } finally {
      this.events.end();
    }
  }

  async #planAndExecute(): Promise<GoalResult> {
    const { stream = false, complexity: option } = this.#options;
    if (!stream) return this.#execute(await this.#makePlan());
    const complexity = await complexityOf(OWNER, this.#goal, option, this.#signal);
    if (complexity === 'complex') return this.#executeWhilePlanning();
    return this.#execute(singleTaskPlan(this.#goal, this.#settings));
  }

  // --- The plan first, then its run ---

  async #makePlan(): Promise<Plan> {
    const { plan, repairs, rejectedAnswers, result, usage, costUsd } = await this.#decompose();
    const failure = this.#failure;
    this.#planning = {
      repairs,
      rejectedAnswers,
      ...(result && { result }),
      ...(failure && { failure }),
    };
    this.#cost = { usage, costUsd };
    this.#plan = plan;
    const reviewed = await this.#review(plan);
    const { taskId, added } = finalTaskOf(this.#goal, reviewed.tasks);
    this.#final.taskId = taskId;
    return added === undefined ? reviewed : { ...reviewed, tasks: [...reviewed.tasks, added] };
  }

  /** What planning competes for. */
  get #planningResource(): PlanningResource {
    const { runner, planner = runner } = this.#options;
    const name = resourceOf(planner, { id: '' });
    return { name, isShared: name === resourceOf(runner, { id: '' }) };
  }

  async #decompose(): Promise<Decomposition> {
    const { planner, runner, complexity } = this.#options;
    try {
      return await decompose(this.#goal, {
        ...pick(this.#options, PLANNER_OPTIONS),
        ...pick(this.#options, PLANNING_RUN_OPTIONS),
        ...planningLimits(this.#options, this.#planningResource),
        ...this.#listeners(),
        runner: planner ?? runner,
        ...(complexity !== undefined && { complexity }),
      });
    } catch (error) {
      if (!(error instanceof DecompositionError)) throw error;
      const { rejectedAnswers, result } = error;
      // The failed planning run has a cost, too.
      const { usage, costUsd } = result?.metrics ?? NO_COST;
      const course = { repairs: [], rejectedAnswers, ...(result && { result }) };
      this.#cost = { usage, costUsd };
      this.#planning = course;
      const plan = this.#planWithout(error);
      return { plan, complexity: 'complex', createdAt: Date.now(), ...course, usage, costUsd };
    }
  }

  /**
   * The plan that replaces the one that could not be made.
   *
   * @throws {DecompositionError} the given one, when nothing may replace the plan.
   */
  #planWithout(error: DecompositionError): Plan {
    if (!mayFallBack(this.#options.fallback, error)) throw error;
    this.#failure = error;
    return singleTaskPlan(this.#goal, this.#settings);
  }

  async #review(plan: Plan): Promise<Plan> {
    const { review } = this.#options;
    const signal = this.#signal;
    const verdict = await unlessCanceled(signal, () => review?.(plan, { signal }));
    if (verdict === false) {
      throw new StratagemError('run_canceled', 'The plan was not approved, and was not run');
    }
    if (verdict === undefined || verdict === true) return plan;
    if (typeof verdict !== 'object' || verdict === null) {
      const message = `review must return a plan, a boolean or undefined; it returned ${String(verdict)}`;
      throw new OptionError(`${OWNER}: ${message}`);
    }
    const problems = validatePlan(verdict);
    if (problems.length > 0) throw new PlanError(problems);
    this.#plan = verdict;
    return verdict;
  }

  async #execute(plan: Plan): Promise<GoalResult> {
    this.#final.taskId ??= finalTaskOf(this.#goal, plan.tasks).taskId;
    this.#plan = plan;
    const { runner } = this.#options;
    const failure = this.#failure;
    const executor = this.#createExecutor(
      failure === undefined ? runner : announceFallback(runner, failure),
    );
    const elapsedMs = this.#planning.result?.metrics.executionTimeMs ?? 0;
    const result = await executor.execute(plan, {
      ...remainingLimits(this.#options, this.#cost, elapsedMs, this.#planningResource),
      ...this.#replan(),
    });
    return this.#finished(result);
  }

  // --- Both in one run ---

  async #executeWhilePlanning(): Promise<GoalResult> {
    const { runner, planner = runner } = this.#options;
    const settings = this.#settings;
    const streamed = new StreamedPlan(this.#goal, settings);
    const prompt = plannerPrompt(this.#goal, settings);
    const schema = planSchema(settings);
    const task: Task = {
      ...planningTask({ goal: this.#goal, prompt, settings, schema }),
      id: STREAMED_PLAN_TASK_ID,
    };
    const executor = this.#createExecutor(streamed.wrap(task.id, runner, planner));
    const result = await executor.execute({ goal: this.#goal, tasks: [task] }, this.#replan());
    const { accepted, rejectedAnswers } = streamed.repairLoop;
    this.#planning = { repairs: accepted?.repairs ?? [], rejectedAnswers };
    this.#final.taskId ??= streamed.finalTaskId;
    if (accepted === undefined && result.status === 'failed') {
      const error = result.tasks.find(({ id }) => id === task.id)?.error ?? result.error;
      const failure = noPlanError(this.#goal, error, { rejectedAnswers, result });
      if (mayFallBack(this.#options.fallback, failure)) return this.#answerInstead(failure, result);
    }
    if (streamed.tasks.length > 0) this.#plan = { goal: this.#goal, tasks: streamed.tasks };
    return this.#finished(result);
  }

  /** Runs one task in place of a plan whose stream turned out to be unusable. */
  #answerInstead(failure: DecompositionError, result: PlanResult): Promise<GoalResult> {
    const plan = this.#planWithout(failure);
    this.#cost = addCosts(this.#cost, result.metrics);
    this.#planning = { ...this.#planning, result, failure };
    this.#final.taskId = undefined;
    return this.#execute(plan);
  }

  // --- Options and results ---

  #createExecutor(
    runner: TaskRunner,
    listeners: Partial<RunOptions> = this.#listeners(),
  ): Executor {
    const { strategy } = this.#options;
    const { tools } = this.#settings;
    const run = pick(this.#options, EXECUTION_OPTIONS);
    return createExecutor({ strategy, runner, tools, ...run, ...listeners });
  }

  #replan(): { replan?: Replan } {
    const replan = goalReplan(this.#goal, this.#options, this.#settings, this.#final);
    return replan === undefined ? {} : { replan };
  }

  #listeners(): Pick<RunOptions, 'signal' | 'onEvent'> {
    const { onEvent } = this.#options;
    return {
      signal: this.#signal,
      onEvent: (event) => {
        this.events.push(event);
        return onEvent?.(event);
      },
    };
  }

  #finished(result: PlanResult): GoalResult {
    const { taskId } = this.#final;
    this.#cost = addCosts(this.#cost, result.metrics);
    if (result.status !== 'completed') return this.#unfinished(result.error, result);
    // A plan from a review can complete without its final task: by its goal state or a condition.
    const final = result.tasks.find(({ id }) => id === taskId);
    if (final?.status !== 'completed') return this.#unfinished(noOutputError(final), result);
    return {
      status: 'completed',
      output: final.output,
      plan: this.#plan as Plan,
      result,
      ...this.#summary(result),
    } satisfies CompletedGoal;
  }

  #unfinished(error: StratagemError, result: PlanResult | undefined): UnfinishedGoal {
    const isCanceled = error.code === 'run_canceled';
    return {
      status: isCanceled ? 'canceled' : 'failed',
      error,
      ...(this.#plan && { plan: this.#plan }),
      ...(result && { result }),
      ...this.#summary(result),
    };
  }

  #summary(result: PlanResult | undefined) {
    return {
      goal: this.#goal,
      planning: this.#planning,
      ...this.#cost,
      replanRounds: result?.metrics.replanRounds ?? 0,
    };
  }
}

function noOutputError(final: TaskResult | undefined): StratagemError {
  const reason = final?.reason === undefined ? '' : ` (${final.reason})`;
  const message =
    'The plan completed without its final output: ' +
    `task "${final?.id}", which produces it, was ${final?.status}${reason}`;
  return new StratagemError('run_failed', message);
}

/** A review may throw anything. */
function asError(thrown: unknown): StratagemError {
  if (isStratagemError(thrown)) return thrown;
  const message = `The plan was not run: ${describe(thrown)}`;
  return new StratagemError('run_failed', message, { cause: thrown });
}
