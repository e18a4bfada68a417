import {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  checkOptions,
  type Metrics,
  OptionError,
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
import {
  PLANNER_OPTIONS,
  type PlannerOptions,
  type PlannerSettings,
  plannerSettings,
} from '../options/planner-options.js';
import type { AnswerProblem } from '../read/answer-problem.js';
import { type PlanReading, readPlan } from '../read/read-plan.js';
import { DecompositionError } from './decomposition-error.js';
import { type MadePlan, makePlan } from './make-plan.js';
import { planSchema } from './plan-schema.js';
import { situationPrompt } from './situation-prompt.js';

/** How a model revises plans. */
export interface ReplannerOptions
  extends Omit<PlannerOptions, 'minSubtasks'>,
    ReplanLimits,
    Pick<RunOptions, 'timeoutMs' | 'retry' | 'prices'> {
  /** Who says what else is to be done. */
  readonly runner: TaskRunner;
}

const OWNER = 'replanner()';

/**
 * Lets a model revise plans while they run: it is told the goal, what is done with the outputs, what
 * failed and why, and what was not done for that, and answers with more tasks. Its answers are read,
 * mended, sent back and bounded as those of `decompose` are, and their cost is that of the run.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = openai();
 * const replan = replanner({ runner, maxRounds: 2 });
 * const result = await createExecutor({ strategy: parallel(), runner, replan }).execute(plan);
 */
export function replanner(options: ReplannerOptions): Replan {
  checkOptions(OWNER, options, [
    ...['runner', 'maxRounds', 'timeoutMs', 'retry', 'prices'],
    ...PLANNER_OPTIONS.filter((name) => name !== 'minSubtasks'),
  ]);
  const { runner, maxRounds, maxTasks } = options;
  if (typeof runner?.run !== 'function' || typeof runner.name !== 'string') {
    throw new OptionError(`${OWNER}: runner must be a TaskRunner, such as openai() or simulated()`);
  }
  // Few tasks can be enough to mend a plan.
  const settings = plannerSettings(OWNER, { ...options, minSubtasks: 1 });
  return {
    ...(maxRounds !== undefined && { maxRounds }),
    ...(maxTasks !== undefined && { maxTasks }),
    revise: (situation, context) => new Round(options, settings, situation, context).revise(),
  };
}

/** One question to the model, with what is made of its answers. */
class Round {
  readonly #options: ReplannerOptions;
  readonly #settings: PlannerSettings;
  readonly #situation: Situation;
  readonly #context: ReplanContext;
  readonly #taken: ReadonlySet<string>;
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
    this.#taken = new Set([...completed, ...failed, ...dropped].map(({ task }) => task.id));
  }

  async revise(): Promise<Revision> {
    const made = await this.#ask();
    return {
      tasks: made.tasks,
      replaces: this.#replaces,
      ...billOf(made.result.metrics),
      ...modelOf(made.result),
    };
  }

  async #ask(): Promise<MadePlan> {
    const { runner, timeoutMs, retry, prices } = this.#options;
    const { goal, remaining } = this.#situation;
    const { tokens, costUsd, timeMs } = remaining;
    const budget = {
      ...(tokens !== undefined && { tokens }),
      ...(costUsd !== undefined && { costUsd }),
    };
    try {
      return await makePlan({
        goal,
        runner,
        prompt: situationPrompt(this.#situation, this.#settings),
        settings: this.#settings,
        read: (answer) => this.#read(answer),
        schema: this.#schema(),
        metadata: {},
        run: {
          signal: this.#context.signal,
          ...(Object.keys(budget).length > 0 && { budget }),
          ...(timeMs !== undefined && { deadlineMs: timeMs }),
          ...(timeoutMs !== undefined && { timeoutMs }),
          ...(retry !== undefined && { retry }),
          ...(prices !== undefined && { prices }),
        },
      });
    } catch (error) {
      throw error instanceof DecompositionError ? asRunnerError(error) : error;
    }
  }

  #schema(): Readonly<Record<string, unknown>> {
    const schema = planSchema(this.#settings) as {
      readonly properties: object;
      readonly required: readonly string[];
    };
    if (this.#situation.failed.length === 0) return { ...schema };
    return {
      ...schema,
      properties: {
        ...schema.properties,
        replaces: { type: 'array', items: { type: 'string' } },
      },
      required: [...schema.required, 'replaces'],
    };
  }

  #read(answer: unknown): PlanReading {
    const { failed } = this.#situation;
    this.#replaces = [];
    const isTaken = (id: string) => this.#taken.has(id);
    // To add nothing is an answer as well.
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
      problems: known(this.#context.check({ tasks, replaces: this.#replaces })),
    };
  }
}

const NO_REPLACES: AnswerProblem = {
  code: 'missing_field',
  path: ['replaces'],
  message: 'is missing; it must list the ids of the failed tasks that the new ones make up for',
};

function known(problems: readonly PlanProblem[]): AnswerProblem[] {
  return problems.map(({ code, path, message }) => ({ code, path, message }));
}

/** The ids that an answer says it makes up for; undefined when it does not say. */
function replacesOf({ around }: PlanReading): string[] | undefined {
  const replaces = around?.replaces;
  const ids: unknown = typeof replaces === 'string' ? [replaces] : replaces;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : undefined;
}

/** What is unknown is left out. */
function billOf({ usage, costUsd }: Metrics): Pick<Revision, 'usage' | 'costUsd'> {
  return { usage, ...(costUsd !== null && { costUsd }) };
}

function modelOf({ timeline }: PlanResult): Pick<Revision, 'model' | 'requestId'> {
  const answer = timeline.find((event) => event.type === 'task_completed');
  if (answer?.type !== 'task_completed') return {};
  const { model, requestId } = answer;
  return {
    ...(model !== undefined && { model }),
    ...(requestId !== undefined && { requestId }),
  };
}

/** With what the round has cost all the same. */
function asRunnerError(error: DecompositionError): RunnerError {
  const code = ATTEMPT_ERROR_CODES.find((each) => each === error.code) ?? 'task_failed';
  return new RunnerError(code satisfies AttemptErrorCode, error.message, {
    cause: error,
    ...(error.result && billOf(error.result.metrics)),
  });
}
