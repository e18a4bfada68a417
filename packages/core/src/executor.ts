import { type Budget, eitherBudget } from './budget.js';
import { OptionError, StratagemError, show } from './errors.js';
import type { PlanEvent, RunLimits } from './event.js';
import { explain, type TaskForecast } from './explain.js';
import type { Journal } from './journal.js';
import { capOf, checkDuration, checkFlag, checkLimit, checkOptions } from './options.js';
import type { Plan } from './plan.js';
import { planToData } from './plan-data.js';
import type { PriceTable } from './price.js';
import { formatProblem, type PlanProblem } from './problem.js';
import { checkReplan, type Replan, replanLimits } from './replan.js';
import type { PlanResult } from './result.js';
import { checkResumeOptions, openRun, type ResumeOptions, randomSeed } from './resume.js';
import { handleOfOpening } from './resumed-handle.js';
import type { RetryPolicy } from './retry.js';
import { checkReuse, Reuse, type ReuseOptions } from './reuse.js';
import { Run } from './run.js';
import { checkRunId, newRunId } from './run-id.js';
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
  /**
   * Where the run is kept, so that it survives the process: nothing of it is told, and no attempt is
   * started, before that is durable.
   */
  readonly journal?: Journal;
  /**
   * Makes of a task's output what may be kept in the journal. The run itself goes on with the output;
   * one that is resumed goes on with what was kept. What tasks report while they run (`task_output`)
   * is not kept then, and no output of this run is used again by another one.
   */
  readonly redact?: (output: unknown, task: Task) => unknown;
  /**
   * Take outputs of earlier runs from the journal, where nothing has changed that they follow from:
   * the task, what it is given, the runner with its model and its settings. Nothing is spent for
   * them, and their `task_completed` says which run they are from. Functions and tasks with tools
   * are always done, as nobody can see what they do.
   * @default false
   */
  readonly reuse?: boolean | ReuseOptions;
}

/** How one run goes. */
export interface ExecuteOptions extends RunOptions {
  /**
   * What the run is called, in its journal and in idempotency keys: letters, digits, `.`, `_` and `-`,
   * 128 at most, no `.` in front.
   * @default a random one
   */
  readonly runId?: string;
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
  readonly runId: string;
  /** Resolves when the run has ended, however it ended; never rejects, unless it cannot be resumed. */
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
   * not fit its schema; it goes on waiting then. With a journal, resolves when the answer is durable.
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
    options?: ExecuteOptions,
  ): RunHandle<Outputs>;
  /**
   * Goes on with a recorded run, whose process has ended, been stopped or lost its journal: what was
   * reported of it stands, attempts that were in flight are started again as the same attempts, and
   * everything else goes on where it was. One that had ended gives its result at once. Its limits are
   * those it had, unless options say otherwise.
   *
   * `onEvent` and, with `timeline: 'stream'`, iterators have the events from `run_resumed` on; a
   * timeline that is kept has all.
   *
   * The result rejects with a `JournalError` (`run_not_found`, `run_locked`, …) when it cannot be
   * taken over, with `plan_required` when its tasks have functions or schemas and `plan` was not given,
   * and with a `PlanChangedError` when the plan is another one.
   *
   * @example
   * const { status } = await executor.resume('nightly-7', { plan });
   */
  resume<Outputs = Record<string, unknown>>(
    runId: string,
    options?: RunOptions & ResumeOptions & { readonly plan?: Plan<Outputs> },
  ): RunHandle<Outputs>;
  /**
   * What a run of the plan would do, and what it would take from earlier runs with `reuse`, each with
   * the reason; nothing is done. Subtasks and the elements of fan-outs are there as far as they are
   * known.
   *
   * @throws {PlanError} when the plan cannot be run. Rejects when the journal cannot be read.
   *
   * @example
   * for (const { taskId, message } of await executor.explain(plan)) console.log(taskId, message);
   */
  explain<Outputs>(plan: Plan<Outputs>, options?: ExplainOptions): Promise<TaskForecast[]>;
}

export interface ExplainOptions {
  /** @default that of the executor */
  readonly journal?: Journal;
  /** As in `RunOptions`. */
  readonly maxDepth?: number;
  /** As in `RunOptions`. */
  readonly reuse?: ReuseOptions;
  /**
   * The id of the run to compare the plan with.
   * @default the newest with the same goal
   */
  readonly since?: string;
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
  'journal',
  'redact',
  'reuse',
];
const RESUME_OPTIONS = ['plan', 'adopt', 'retryFailed', 'addedTasks'];

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

  /** @throws {StratagemError} when there is nobody to do a task, or with its tools. */
  function requireRunner({ tasks }: Plan): void {
    const needy = runner === undefined ? firstForRunner(tasks) : undefined;
    if (needy !== undefined) {
      throw new StratagemError(
        'missing_runner',
        `Task "${needy.id}" has no run function, so createExecutor() needs a runner, ` +
          'such as openai(), anthropic() or simulated()',
      );
    }
    toolbox.require(tasks, runner);
  }

  /** Everything that one run needs, besides where it is kept. */
  function settingsOf(plan: Plan, options: RunOptions, signal: AbortSignal | undefined) {
    const { maxDepth = DEFAULT_MAX_DEPTH } = options;
    const graph = graphOf(plan, maxDepth);
    const limits = limitsOf(plan, options);
    return {
      // As it is now: a plan that is being written may be added to while it runs.
      plan: { ...plan, tasks: asData(plan.tasks) } as Plan,
      graph,
      strategy,
      runner,
      maxParallel: capOf(strategy, options.maxParallel),
      failFast: options.failFast ?? false,
      deadlineMs: limits.deadlineMs ?? Number.POSITIVE_INFINITY,
      timeoutMs: options.timeoutMs ?? Number.POSITIVE_INFINITY,
      retry: options.retry,
      budget: limits.budget,
      prices: options.prices ?? {},
      replan: options.replan && replanLimits(options.replan),
      planner: options.replan,
      toolbox,
      maxDepth,
      timeline: options.timeline ?? 'keep',
      signal,
      onEvent: options.onEvent,
    };
  }

  return {
    execute<Outputs>(plan: Plan<Outputs>, overrides: ExecuteOptions = {}): RunHandle<Outputs> {
      checkOptions('execute()', overrides, ['runId', ...RUN_OPTIONS]);
      checkRunOptions('execute()', overrides);
      const { runId = newRunId(), ...given } = overrides;
      checkRunId('execute()', runId);
      const options = { ...defaults, ...withoutUndefined(given) };
      const signal = eitherSignal(defaults.signal, overrides.signal);
      const settings = settingsOf(plan as Plan, options, signal);
      requireRunner(settings.plan);
      const { journal, redact, seed = randomSeed() } = options;
      if (journal === undefined) {
        return handleOf(new Run<Outputs>({ ...settings, runId, seed, record: undefined }));
      }
      const { goal } = plan;
      const record = {
        planData: planToData(settings.plan),
        redact,
        reuse: reuseOf(journal, options.reuse),
        open: () => journal.create({ id: runId, goal, createdAt: Date.now() }),
      };
      const limits = limitsOf(settings.plan, options);
      return handleOf(new Run<Outputs>({ ...settings, limits, runId, seed, record }));
    },

    resume<Outputs>(runId: string, overrides: RunOptions & ResumeOptions = {}): RunHandle<Outputs> {
      checkOptions('resume()', overrides, [...RESUME_OPTIONS, ...RUN_OPTIONS]);
      checkRunOptions('resume()', overrides);
      checkResumeOptions(overrides);
      checkRunId('resume()', runId);
      const { plan: _, adopt: __, retryFailed: ___, addedTasks: ____, ...given } = overrides;
      const signal = eitherSignal(defaults.signal, overrides.signal);
      const { journal } = { ...defaults, ...withoutUndefined(given) };
      if (journal === undefined) {
        throw new OptionError('resume() needs the journal that the run is recorded in');
      }
      // What is given now goes before how it was, and that before what holds for any run.
      const optionsFor = (recorded: RunLimits) => ({
        ...defaults,
        ...NO_LIMITS,
        ...recorded,
        ...withoutUndefined(given),
      });
      const limitsFor = (plan: Plan, recorded: RunLimits) => limitsOf(plan, optionsFor(recorded));
      return handleOfOpening<Outputs>(runId, async (isOpen) => {
        const found = await openRun(journal, runId, overrides, limitsFor);
        const { plan, planData, limits, seed, journal: opened, past, isOver } = found;
        try {
          const options = optionsFor(limits);
          if (!isOver) requireRunner(plan);
          const settings = { ...settingsOf(plan, options, signal), limits, runId, seed };
          const { redact } = options;
          const reuse = reuseOf(journal, options.reuse);
          const record = { planData, redact, reuse, open: async () => opened };
          const run = new Run<Outputs>({ ...settings, record: { ...record, past } });
          if (given.maxParallel !== undefined) run.setMaxParallel(settings.maxParallel);
          isOpen(handleOf(run));
        } catch (error) {
          await opened.close();
          throw error;
        }
      });
    },

    async explain<Outputs>(plan: Plan<Outputs>, options: ExplainOptions = {}) {
      checkOptions('explain()', options, ['journal', 'maxDepth', 'reuse', 'since']);
      const { journal = defaults.journal, maxDepth = DEFAULT_MAX_DEPTH, since } = options;
      if (journal === undefined) {
        throw new OptionError('explain() needs the journal with the earlier runs');
      }
      const reuse = options.reuse ?? defaults.reuse ?? {};
      checkReuse('explain()', reuse);
      return explain({
        plan: { ...plan, tasks: asData(plan.tasks) } as Plan,
        graph: graphOf(plan as Plan, maxDepth),
        runner,
        journal,
        reuse: new Reuse(journal, typeof reuse === 'boolean' ? {} : reuse),
        since,
        now: Date.now(),
      });
    },
  };
}

function reuseOf(journal: Journal, reuse: boolean | ReuseOptions = false): Reuse | undefined {
  if (reuse === false) return undefined;
  return new Reuse(journal, reuse === true ? {} : reuse);
}

/** Takes the place of what holds for any run, where a recorded one had no such limit. */
const NO_LIMITS: RunOptions = {
  failFast: undefined,
  maxParallel: undefined,
  deadlineMs: undefined,
  timeoutMs: undefined,
  retry: undefined,
  budget: undefined,
  prices: undefined,
};

/** The limits of a run as data, those of its plan taken into account. */
function limitsOf(plan: Plan, options: RunOptions): RunLimits {
  const { failFast, maxParallel, timeoutMs, retry, prices } = options;
  const deadlineMs = Math.min(
    plan.deadlineMs ?? Number.POSITIVE_INFINITY,
    options.deadlineMs ?? Number.POSITIVE_INFINITY,
  );
  const budget = eitherBudget(plan.budget, options.budget);
  return {
    ...(failFast && { failFast }),
    ...(maxParallel !== undefined && { maxParallel }),
    ...(Number.isFinite(deadlineMs) && { deadlineMs }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(budget !== undefined && { budget }),
    ...(prices !== undefined && { prices }),
  };
}

function handleOf<Outputs>(run: Run<Outputs>): RunHandle<Outputs> {
  return {
    runId: run.runId,
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
  const { journal, redact, reuse } = options;
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
  if (redact !== undefined && typeof redact !== 'function') {
    throw new OptionError(`${owner}: redact must be a function`);
  }
  if (reuse !== undefined) checkReuse(owner, reuse);
  if (journal !== undefined && typeof journal?.create !== 'function') {
    throw new OptionError(`${owner}: journal must be a Journal, such as memoryJournal()`);
  }
}
