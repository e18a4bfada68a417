import { type Budget, eitherBudget } from './budget.js';
import { OptionError, StratagemError, show } from './errors.js';
import type { PlanEvent } from './event.js';
import { capOf, checkDuration, checkFlag, checkLimit, checkOptions } from './options.js';
import type { Plan } from './plan.js';
import type { PriceTable } from './price.js';
import { formatProblem, type PlanProblem } from './problem.js';
import { checkReplan, type Replan, replanLimits } from './replan.js';
import type { PlanResult } from './result.js';
import type { RetryPolicy } from './retry.js';
import { Run } from './run.js';
import type { TaskRunner } from './runner.js';
import type { Strategy } from './strategy.js';
import { firstForRunner, type Task } from './task.js';
import { asData } from './task-data.js';
import { type Tool, toolProblem } from './tool.js';
import { Toolbox } from './toolbox.js';
import { DEFAULT_MAX_DEPTH, graphOf } from './validate.js';
import { checkBudget, checkPrices, checkRetry } from './validate-settings.js';

/** How a run goes; given to the executor for all its runs, or to `execute` for one. */
export interface RunOptions {
  /**
   * The most attempts in flight at once, whatever the strategy would like.
   * @default the strategy's own `maxParallel`, or 16
   */
  readonly maxParallel?: number;
  /**
   * Stop everything at the first failed task. Without it, what does not depend on the failed task
   * goes on to its end; the plan ends `failed` either way.
   * @default false
   */
  readonly failFast?: boolean;
  /**
   * The longest the run may take, in milliseconds; then it is stopped and the plan has failed. With
   * one of the plan's as well, the shorter.
   */
  readonly deadlineMs?: number;
  /** The longest one attempt may take, in milliseconds, where neither task nor plan says. */
  readonly timeoutMs?: number;
  /** How failed attempts are repeated, where neither task nor plan says. */
  readonly retry?: RetryPolicy;
  /** What the run may use at most; with one of the plan's as well, the lower limit each. */
  readonly budget?: Budget;
  /** What models cost, for those whose runner does not say or whose price is another for you. */
  readonly prices?: PriceTable;
  /**
   * What to do when the plan would end with tasks that failed for good, or with its goal not
   * reached: ask for more tasks, a limited number of times. After a budget is used up, a deadline, a
   * cancellation or a stop by `failFast`, there is nothing to ask for.
   */
  readonly replan?: Replan;
  /**
   * How deep subtasks may nest.
   * @default 8
   */
  readonly maxDepth?: number;
  /**
   * A whole number that the waits between attempts are drawn with: the same seed, the same waits.
   * @default drawn for each run
   */
  readonly seed?: number;
  /** Aborting it cancels the run; with one of the executor's as well, either does. */
  readonly signal?: AbortSignal;
  /**
   * `'keep'` gives every event with the result. `'stream'` gives them only to `onEvent` and to
   * iterators of the run; with neither, they are dropped.
   * @default 'keep'
   */
  readonly timeline?: 'keep' | 'stream';
  /**
   * Called with each event as it happens. What it throws ends up in `listenerErrors` of the
   * result and has no other effect.
   */
  readonly onEvent?: (event: PlanEvent) => void;
}

export interface ExecutorOptions extends RunOptions {
  /** Decides which ready task starts next. */
  readonly strategy: Strategy;
  /** Does the tasks that have no `run` of their own; needed only when there are such. */
  readonly runner?: TaskRunner;
  /** Tools that tasks may list by name, as those of plan files do. */
  readonly tools?: readonly Tool[];
}

/**
 * A run that has been started. `await` it for its result; iterate over it for its events, from
 * the first on. Leaving the iteration does not stop the run.
 */
export interface RunHandle<Outputs = Record<string, unknown>>
  extends PromiseLike<PlanResult<Outputs>>,
    AsyncIterable<PlanEvent> {
  /** Resolves when the run has ended, however it ended; never rejects. */
  readonly result: Promise<PlanResult<Outputs>>;
  /**
   * Stops the run: attempts in flight are aborted, nothing new starts, and the result, `canceled`,
   * has every output and event so far. Without effect on a run that has ended.
   *
   * @param reason Becomes the `cause` of the result's error.
   */
  cancel(reason?: unknown): void;
  /** Starts nothing more until `resume()`; what runs goes on, and so does the deadline. */
  pause(): void;
  resume(): void;
  /**
   * Changes the cap, whatever the strategy declared. What is in flight above a lower cap goes on.
   *
   * @throws {OptionError} unless it is a whole number of at least 1, or Infinity.
   */
  setMaxParallel(maxParallel: number): void;
  /**
   * Answers a human step that has come up (`task_waiting`); for an approval, true or false.
   *
   * Rejects with `not_waiting` when it does not wait, and with `invalid_option` when the answer does
   * not fit its schema; it goes on waiting then.
   */
  answer(taskId: string, answer: unknown): Promise<void>;
  /** Gives an approval. */
  approve(taskId: string): Promise<void>;
  /** Refuses an approval or an answer: the task has failed. */
  reject(taskId: string, reason?: unknown): Promise<void>;
  /**
   * Adds tasks to the plan while it runs.
   *
   * @throws {PlanError} when they do not fit, with everything that is wrong with them.
   * @throws {StratagemError} `run_ended` when the run is over.
   */
  addTasks(tasks: readonly Task[]): void;
}

/** Runs plans in this process. Holds no state: any number of plans may run at once. */
export interface Executor {
  /**
   * Starts a plan.
   *
   * @throws {PlanError} when the plan cannot be run, with everything that is wrong with it.
   * @throws {StratagemError} `missing_runner` when a task needs a runner and there is none;
   * `unsupported_tools` when it lists tools and the runner does not let its model call any.
   */
  execute<Outputs = Record<string, unknown>>(
    plan: Plan<Outputs>,
    options?: RunOptions,
  ): RunHandle<Outputs>;
}

const RUN_OPTIONS = [
  'maxParallel',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'retry',
  'budget',
  'prices',
  'replan',
  'maxDepth',
  'seed',
  'signal',
  'timeline',
  'onEvent',
];

/**
 * An executor that runs plans in this process.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({ strategy: parallel({ maxParallel: 5 }), runner: openai() });
 * const run = executor.execute(plan);
 * for await (const event of run) console.log(event.type);
 * const result = await run;
 */
export function createExecutor(options: ExecutorOptions): Executor {
  checkOptions('createExecutor()', options, ['strategy', 'runner', 'tools', ...RUN_OPTIONS]);
  const { strategy, runner, tools = [], ...defaults } = options;
  checkStrategy(strategy);
  if (runner !== undefined && !isRunner(runner)) {
    const message = 'runner must be a TaskRunner, an object with a name and run()';
    throw new OptionError(`createExecutor(): ${message}`);
  }
  checkRunOptions('createExecutor()', defaults);
  checkTools(tools);
  const toolbox = new Toolbox(tools);

  return {
    execute<Outputs>(plan: Plan<Outputs>, overrides: RunOptions = {}): RunHandle<Outputs> {
      checkOptions('execute()', overrides, RUN_OPTIONS);
      checkRunOptions('execute()', overrides);
      const merged = { ...defaults, ...withoutUndefined(overrides) };
      const { maxDepth = DEFAULT_MAX_DEPTH } = merged;
      const graph = graphOf(plan as Plan<unknown>, maxDepth);
      const needy = runner === undefined ? firstForRunner(plan.tasks) : undefined;
      if (needy !== undefined) {
        throw new StratagemError(
          'missing_runner',
          `Task "${needy.id}" has no run function, so createExecutor() needs a runner, ` +
            'such as openai(), anthropic() or simulated()',
        );
      }
      toolbox.require(plan.tasks, runner);
      const run = new Run<Outputs>({
        // As it is now: a plan that is being written may be added to while it runs.
        plan: { ...plan, tasks: asData(plan.tasks) } as Plan,
        graph,
        strategy,
        runner,
        maxParallel: capOf(strategy, merged.maxParallel),
        failFast: merged.failFast ?? false,
        deadlineMs: Math.min(
          plan.deadlineMs ?? Number.POSITIVE_INFINITY,
          merged.deadlineMs ?? Number.POSITIVE_INFINITY,
        ),
        timeoutMs: merged.timeoutMs ?? Number.POSITIVE_INFINITY,
        retry: merged.retry,
        budget: eitherBudget(plan.budget, merged.budget),
        prices: merged.prices ?? {},
        replan: merged.replan && replanLimits(merged.replan),
        planner: merged.replan,
        seed: merged.seed ?? Math.floor(Math.random() * 2 ** 32),
        toolbox,
        maxDepth,
        timeline: merged.timeline ?? 'keep',
        signal: eitherSignal(defaults.signal, overrides.signal),
        onEvent: merged.onEvent,
      });
      return {
        result: run.result,
        // biome-ignore lint/suspicious/noThenProperty: a run is awaited for its result
        then: (onFulfilled, onRejected) => run.result.then(onFulfilled, onRejected),
        [Symbol.asyncIterator]: () => run.events.read(),
        cancel: (reason) => run.cancel(reason),
        pause: () => run.pause(),
        resume: () => run.resume(),
        setMaxParallel(maxParallel) {
          checkLimit('setMaxParallel()', 'maxParallel', maxParallel);
          run.setMaxParallel(maxParallel);
        },
        answer: (taskId, answer) => run.answer(taskId, answer),
        approve: (taskId) => run.answer(taskId, true),
        reject: (taskId, reason) => run.reject(taskId, reason),
        addTasks: (tasks) => run.addTasks(undefined, tasks),
      };
    },
  };
}

function checkTools(tools: readonly Tool[]): void {
  if (!Array.isArray(tools))
    throw new OptionError('createExecutor(): tools must be a list of tools');
  const names = new Set<string>();
  for (const tool of tools as readonly Tool[]) {
    const problem = toolProblem(tool);
    if (problem !== undefined) throw new OptionError(`createExecutor(): tools: ${problem}`);
    if (names.has(tool.name)) {
      throw new OptionError(`createExecutor(): there are two tools "${tool.name}"`);
    }
    names.add(tool.name);
  }
}

function isRunner(value: TaskRunner): boolean {
  return typeof value?.run === 'function' && typeof value.name === 'string';
}

/** Either signal stops the run. */
function eitherSignal(
  first: AbortSignal | undefined,
  second: AbortSignal | undefined,
): AbortSignal | undefined {
  return first && second ? AbortSignal.any([first, second]) : (first ?? second);
}

function withoutUndefined(options: RunOptions): RunOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function checkStrategy(strategy: Strategy): void {
  if (typeof strategy?.begin !== 'function' || typeof strategy.name !== 'string') {
    throw new OptionError(
      'createExecutor(): strategy must be a Strategy, such as parallel() of @stratagem/parallel',
    );
  }
  const { maxParallel } = strategy;
  if (maxParallel !== undefined)
    checkLimit(`strategy "${strategy.name}"`, 'maxParallel', maxParallel);
}

function checkRunOptions(owner: string, options: RunOptions): void {
  const { maxParallel, failFast, deadlineMs, timeoutMs, maxDepth, seed } = options;
  const { retry, budget, prices, replan, timeline, signal, onEvent } = options;
  if (maxParallel !== undefined) checkLimit(owner, 'maxParallel', maxParallel);
  if (failFast !== undefined) checkFlag(owner, 'failFast', failFast);
  if (deadlineMs !== undefined) checkDuration(owner, 'deadlineMs', deadlineMs);
  if (timeoutMs !== undefined) checkDuration(owner, 'timeoutMs', timeoutMs);
  if (maxDepth !== undefined) checkLimit(owner, 'maxDepth', maxDepth);
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new OptionError(`${owner}: seed must be a whole number; it is ${show(seed)}`);
  }
  if (replan !== undefined) checkReplan(owner, replan);
  const problems: PlanProblem[] = [];
  if (retry !== undefined) checkRetry(problems, retry, ['retry']);
  if (budget !== undefined) checkBudget(problems, budget, ['budget']);
  if (prices !== undefined) checkPrices(problems, prices, ['prices']);
  const [problem] = problems;
  if (problem !== undefined) throw new OptionError(`${owner}: ${formatProblem(problem)}`);
  if (timeline !== undefined && timeline !== 'keep' && timeline !== 'stream') {
    throw new OptionError(`${owner}: timeline must be 'keep' or 'stream'; it is ${show(timeline)}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError(`${owner}: signal must be an AbortSignal`);
  }
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new OptionError(`${owner}: onEvent must be a function`);
  }
}
