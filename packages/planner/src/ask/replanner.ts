import {
  type AttemptErrorCode,
  type Metrics,
  type PlanProblem,
  type PlanResult,
  type Replan,
  type ReplanContext,
  type ReplanLimits,
  type Revision,
  RunnerError,
  type RunOptions,
  type Situation,
  type TaskRunner,
} from '@stratagem/core';
import { ATTEMPT_ERROR_CODES, checkOptions } from '@stratagem/core/runner';
import { checkRunner } from '../options/check-arguments.js';
import {
  type PlannerOptions,
  type PlannerSettings,
  plannerSettings,
  REPLANNER_OPTIONS,
} from '../options/planner-options.js';
import type { AnswerProblem } from '../read/answer-problem.js';
import { type PlanReading, readPlan } from '../read/read-plan.js';
import { DecompositionError } from './decomposition-error.js';
import { makePlan, type PlannedTasks, type PlanningRunOptions } from './make-plan.js';
import { planSchema, revisionSchema } from './plan-schema.js';
import { situationPrompt } from './situation-prompt.js';

/** How a model revises plans. */
export interface ReplannerOptions
  extends Omit<PlannerOptions, 'minSubtasks'>,
    ReplanLimits,
    Pick<RunOptions, 'timeoutMs' | 'idleTimeoutMs' | 'retry' | 'prices'> {
  /** Plans the additional tasks. */
  readonly runner: TaskRunner;
}

const OWNER = 'replanner()';

/**
 * Lets a model revise plans while they run. The model sees the goal, the outputs of completed tasks,
 * the errors of failed tasks and the tasks that were dropped because of them, and plans more tasks.
 * Its answers are repaired, sent back and limited like those for `decompose`. The run pays for them.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = openai();
 * const replan = replanner({ runner, maxRounds: 2 });
 * const executor = createExecutor({ strategy: parallel(), runner, replan });
 * const result = await executor.execute(plan).orThrow();
 */
export function replanner(options: ReplannerOptions): Replan {
  checkOptions(OWNER, options, [
    ...['runner', 'maxRounds', 'timeoutMs', 'idleTimeoutMs', 'retry', 'prices'],
    ...REPLANNER_OPTIONS,
  ]);
  const { runner, maxRounds, maxTasks } = options;
  checkRunner(OWNER, 'runner', runner);
  const settings = plannerSettings(OWNER, { ...options, minSubtasks: 1 });
  return {
    ...(maxRounds !== undefined && { maxRounds }),
    ...(maxTasks !== undefined && { maxTasks }),
    revise: (situation, context) => new ReplanRound(options, settings, situation, context).revise(),
  };
}

/** One round of re-planning: asks the model, and makes a revision from its answer. */
class ReplanRound {
  readonly #options: ReplannerOptions;
  readonly #settings: PlannerSettings;
  readonly #situation: Situation;
  readonly #context: ReplanContext;
  readonly #takenIds: ReadonlySet<string>;
  #replaces: readonly string[] = [];

  constructor(
    options: ReplannerOptions,
    settings: PlannerSettings,
    situation: Situation,
    context: ReplanContext,
  ) {
    const { completed, failed, dropped, remaining } = situation;
    this.#options = options;
    this.#settings = { ...settings, maxTasks: Math.min(settings.maxTasks, remaining.tasks) };
    this.#situation = situation;
    this.#context = context;
    this.#takenIds = new Set([...completed, ...failed, ...dropped].map(({ task }) => task.id));
  }

  async revise(): Promise<Revision> {
    const { tasks, result } = await this.#ask();
    return { tasks, replaces: this.#replaces, ...costOf(result.metrics), ...modelOf(result) };
  }

  async #ask(): Promise<PlannedTasks> {
    const { goal, failed } = this.#situation;
    const schema = failed.length === 0 ? planSchema : revisionSchema;
    try {
      return await makePlan({
        goal,
        runner: this.#options.runner,
        prompt: situationPrompt(this.#situation, this.#settings),
        settings: this.#settings,
        read: (answer) => this.#read(answer),
        schema: schema(this.#settings),
        metadata: {},
        run: this.#runOptions(),
      });
    } catch (error) {
      throw error instanceof DecompositionError ? asRunnerError(error) : error;
    }
  }

  /** Keeps the round within the remaining limits of the run. */
  #runOptions(): PlanningRunOptions {
    const { timeoutMs, idleTimeoutMs, retry, prices } = this.#options;
    const { tokens, costUsd, timeMs } = this.#situation.remaining;
    const budget = {
      ...(tokens !== undefined && { tokens }),
      ...(costUsd !== undefined && { costUsd }),
    };
    return {
      signal: this.#context.signal,
      ...(Object.keys(budget).length > 0 && { budget }),
      ...(timeMs !== undefined && { deadlineMs: timeMs }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
      ...(retry !== undefined && { retry }),
      ...(prices !== undefined && { prices }),
    };
  }

  #read(answer: unknown): PlanReading {
    const { failed } = this.#situation;
    this.#replaces = [];
    const isTaken = (id: string) => this.#takenIds.has(id);
    // An answer without tasks is valid: it ends re-planning.
    const reading = readPlan(answer, { ...this.#settings, minSubtasks: 0 }, { isTaken });
    if (reading.tasks.length === 0) return reading;
    const replaces = failed.length === 0 ? [] : replacesOf(reading);
    const problems = [...reading.problems];
    if (replaces === undefined) problems.push(NO_REPLACES);
    if (problems.length > 0) return { ...reading, problems };
    this.#replaces = replaces ?? [];
    const { tasks } = reading;
    return {
      ...reading,
      problems: asAnswerProblems(this.#context.check({ tasks, replaces: this.#replaces })),
    };
  }
}

const NO_REPLACES: AnswerProblem = {
  code: 'missing_field',
  path: ['replaces'],
  message: 'is missing; it must list the ids of the failed tasks that the new tasks replace',
};

function asAnswerProblems(problems: readonly PlanProblem[]): AnswerProblem[] {
  return problems.map(({ code, path, message }) => ({ code, path, message }));
}

/** The ids of the failed tasks that an answer replaces; undefined when the answer does not say. */
function replacesOf({ around }: PlanReading): string[] | undefined {
  const replaces = around?.replaces;
  const ids: unknown = typeof replaces === 'string' ? [replaces] : replaces;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : undefined;
}

function costOf({ usage, costUsd }: Metrics): Pick<Revision, 'usage' | 'costUsd'> {
  return { usage, ...(costUsd !== null && { costUsd }) };
}

function modelOf({ timeline }: PlanResult): Pick<Revision, 'model' | 'requestId'> {
  const completed = timeline.find((event) => event.type === 'task_completed');
  if (completed?.type !== 'task_completed') return {};
  const { model, requestId } = completed;
  return {
    ...(model !== undefined && { model }),
    ...(requestId !== undefined && { requestId }),
  };
}

/** The error of a failed round, with the cost of that round. */
function asRunnerError(error: DecompositionError): RunnerError {
  const code = ATTEMPT_ERROR_CODES.find((each) => each === error.code) ?? 'task_failed';
  return new RunnerError(code satisfies AttemptErrorCode, error.message, {
    cause: error,
    ...(error.result && costOf(error.result.metrics)),
  });
}
