import {
  createExecutor,
  describe,
  EventStream,
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
import { complexityOf, type Decomposition, decompose, simplePlan } from '../ask/decompose.js';
import { DecompositionError } from '../ask/decomposition-error.js';
import { endingOf } from '../ask/final-task.js';
import { PLANNING_RUN_OPTIONS, planningTask } from '../ask/make-plan.js';
import { planSchema } from '../ask/plan-schema.js';
import { plannerPrompt } from '../ask/planner-prompt.js';
import type { PlannerSettings } from '../options/planner-options.js';
import { StreamedPlan } from '../stream/streamed-plan.js';
import { unlessCanceled } from '../util/cancellation.js';
import { type Bill, NOTHING_SPENT, sumOf } from '../util/cost.js';
import { only } from '../util/pick.js';
import { type Final, goalReplan, STREAMED_PLAN_TASK } from './goal-replan.js';
import type { CompletedGoal, GoalResult, Planning, UnfinishedGoal } from './goal-result.js';
import { OWNER, PLANNER_NAMES, RUN_NAMES } from './options.js';
import type { PlanAndExecuteOptions } from './plan-and-execute.js';
import { limitsLeft } from './remaining-limits.js';

/** One goal, from the plan to the result. */
export class GoalWork {
  readonly events: EventStream;
  readonly #goal: string;
  readonly #options: PlanAndExecuteOptions;
  readonly #settings: PlannerSettings;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #final: Final = { taskId: undefined };
  #planning: Planning = { repairs: [], rejected: [] };
  #spent: Bill = NOTHING_SPENT;
  #plan: Plan | undefined;

  /** @throws {OptionError} when an option of a run cannot be used. */
  constructor(goal: string, options: PlanAndExecuteOptions, settings: PlannerSettings) {
    const { signal, timeline } = options;
    this.#goal = goal;
    this.#options = options;
    this.#settings = settings;
    this.#executor(options.runner, {});
    this.events = new EventStream(timeline !== 'stream');
    const own = this.#controller.signal;
    this.#signal = signal === undefined ? own : AbortSignal.any([signal, own]);
  }

  cancel(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  async run(): Promise<GoalResult> {
    // After the caller's own turn, so that it can listen and cancel first.
    await undefined;
    try {
      return await this.#work();
    } catch (thrown) {
      return this.#unfinished(asError(thrown), undefined);
    } finally {
      this.events.end();
    }
  }

  async #work(): Promise<GoalResult> {
    const { stream = false } = this.#options;
    if (!stream) return this.#runPlan(await this.#decompose());
    const { complexity: judge } = this.#options;
    const complexity = await complexityOf(OWNER, this.#goal, judge, this.#signal);
    if (complexity === 'complex') return this.#runWhilePlanning();
    return this.#runPlan(simplePlan(this.#goal, this.#settings));
  }

  // --- First the plan, then the run ---

  async #decompose(): Promise<Plan> {
    const { planner, runner, complexity } = this.#options;
    const { plan, repairs, rejected, result, usage, costUsd } = await this.#settled(
      decompose(this.#goal, {
        ...only(this.#options, PLANNER_NAMES),
        ...only(this.#options, PLANNING_RUN_OPTIONS),
        ...this.#listening(),
        runner: planner ?? runner,
        ...(complexity !== undefined && { complexity }),
      }),
    );
    this.#planning = { repairs, rejected, ...(result && { result }) };
    this.#spent = { usage, costUsd };
    this.#plan = plan;
    const reviewed = await this.#review(plan);
    const { taskId, synthesis } = endingOf(this.#goal, reviewed.tasks);
    this.#final.taskId = taskId;
    return synthesis === undefined
      ? reviewed
      : { ...reviewed, tasks: [...reviewed.tasks, synthesis] };
  }

  /** What a plan that was not made has cost is paid for all the same. */
  async #settled(making: Promise<Decomposition>): Promise<Decomposition> {
    try {
      return await making;
    } catch (error) {
      if (error instanceof DecompositionError && error.result !== undefined) {
        const { rejected, result } = error;
        const { usage, costUsd } = error.result.metrics;
        this.#spent = { usage, costUsd };
        this.#planning = { repairs: [], rejected, result };
      }
      throw error;
    }
  }

  async #review(plan: Plan): Promise<Plan> {
    const { review } = this.#options;
    const signal = this.#signal;
    const verdict = await unlessCanceled(signal, () => review?.(plan, { signal }));
    if (verdict === false) {
      throw new StratagemError('plan_canceled', 'The plan was not approved, and was not run');
    }
    if (verdict === undefined || verdict === true) return plan;
    if (typeof verdict !== 'object' || verdict === null) {
      const message = `review must give a plan, true, false or nothing; it gave ${String(verdict)}`;
      throw new OptionError(`${OWNER}: ${message}`);
    }
    const problems = validatePlan(verdict);
    if (problems.length > 0) throw new PlanError(problems);
    this.#plan = verdict;
    return verdict;
  }

  async #runPlan(plan: Plan): Promise<GoalResult> {
    this.#final.taskId ??= endingOf(this.#goal, plan.tasks).taskId;
    this.#plan = plan;
    const executor = this.#executor(this.#options.runner);
    const elapsedMs = this.#planning.result?.metrics.executionTimeMs ?? 0;
    const result = await executor.execute(plan, {
      ...limitsLeft(this.#options, this.#spent, elapsedMs),
      ...this.#replan(),
    });
    return this.#finished(result);
  }

  #executor(runner: TaskRunner, listening: Partial<RunOptions> = this.#listening()): Executor {
    const { strategy } = this.#options;
    const { tools } = this.#settings;
    const run = only(this.#options, RUN_NAMES);
    return createExecutor({ strategy, runner, tools, ...run, ...listening });
  }

  // --- Both at once ---

  async #runWhilePlanning(): Promise<GoalResult> {
    const { runner, planner = runner } = this.#options;
    const settings = this.#settings;
    const streamed = new StreamedPlan(this.#goal, settings);
    const prompt = plannerPrompt(this.#goal, settings);
    const schema = planSchema(settings);
    const task: Task = {
      ...planningTask({ goal: this.#goal, prompt, settings, schema }),
      id: STREAMED_PLAN_TASK,
    };
    const executor = this.#executor(streamed.runnerOf(task.id, runner, planner));
    const result = await executor.execute({ goal: this.#goal, tasks: [task] }, this.#replan());
    const { accepted, rejected } = streamed.dialogue;
    this.#planning = { repairs: accepted?.repairs ?? [], rejected };
    this.#final.taskId ??= streamed.finalTaskId;
    if (streamed.tasks.length > 0) this.#plan = { goal: this.#goal, tasks: streamed.tasks };
    return this.#finished(result);
  }

  // --- Options and results ---

  #replan(): { replan?: Replan } {
    const replan = goalReplan(this.#goal, this.#options, this.#settings, this.#final);
    return replan === undefined ? {} : { replan };
  }

  #listening(): Pick<RunOptions, 'signal' | 'onEvent'> {
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
    this.#spent = sumOf(this.#spent, result.metrics);
    if (result.status !== 'completed') return this.#unfinished(result.error, result);
    // A plan of the caller's may be complete without the end of it: by its goal, or a condition.
    const final = result.tasks.find(({ id }) => id === taskId);
    if (final?.status !== 'completed') return this.#unfinished(withoutEnd(final), result);
    return {
      status: 'completed',
      output: final.output,
      plan: this.#plan as Plan,
      result,
      ...this.#account(result),
    } satisfies CompletedGoal;
  }

  #unfinished(error: StratagemError, result: PlanResult | undefined): UnfinishedGoal {
    const isCanceled = error.code === 'plan_canceled';
    return {
      status: isCanceled ? 'canceled' : 'failed',
      error,
      ...(this.#plan && { plan: this.#plan }),
      ...(result && { result }),
      ...this.#account(result),
    };
  }

  #account(result: PlanResult | undefined) {
    return {
      goal: this.#goal,
      planning: this.#planning,
      ...this.#spent,
      replanRounds: result?.metrics.replanRounds ?? 0,
    };
  }
}

function withoutEnd(final: TaskResult | undefined): StratagemError {
  const why = final?.reason === undefined ? '' : ` (${final.reason})`;
  const message =
    `The plan is complete, but has no result: task "${final?.id}", ` +
    `which was to bring it, was ${final?.status}${why}`;
  return new StratagemError('plan_failed', message);
}

/** What a review throws is an error of its caller's. */
function asError(thrown: unknown): StratagemError {
  if (isStratagemError(thrown)) return thrown;
  const message = `The plan was not run: ${describe(thrown)}`;
  return new StratagemError('plan_failed', message, { cause: thrown });
}
