import { type Budget, eitherBudget } from '../contract/budget.js';
import type { AttemptCarrier } from '../contract/carrier.js';
import { checkDuration, checkFlag, checkLimit } from '../contract/check-options.js';
import { OptionError, show } from '../contract/errors.js';
import type { RunEvent, RunLimits } from '../contract/event.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { formatProblem, type PlanProblem } from '../contract/plan-error.js';
import type { PriceTable } from '../contract/price.js';
import { checkReplan, type Replan } from '../contract/replan.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { Task } from '../contract/task.js';
import { checkReuse, type ReuseOptions } from '../journal/reuse.js';
import { checkBudget, checkPrices, checkRetry } from '../validate/settings.js';

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
  readonly onEvent?: (event: RunEvent) => void;
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
  /**
   * Where attempts run, when not in this process: a carrier of an engine package.
   * @default this process
   */
  readonly carrier?: AttemptCarrier | undefined;
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

/** The names of `RunOptions`. */
export const RUN_OPTIONS = [
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
  'carrier',
];

/**
 * @param owner Who was given them, for the message.
 * @throws {OptionError} when one of them is out of range.
 */
export function checkRunOptions(owner: string, options: RunOptions): void {
  const { maxParallel, failFast, deadlineMs, timeoutMs, maxDepth, seed } = options;
  const { retry, budget, prices, replan, timeline, signal, onEvent } = options;
  const { journal, redact, reuse, carrier } = options;
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
  if (carrier !== undefined && typeof carrier?.start !== 'function') {
    throw new OptionError(`${owner}: carrier must be an AttemptCarrier`);
  }
  if (journal !== undefined && typeof journal?.create !== 'function') {
    throw new OptionError(`${owner}: journal must be a Journal, such as memoryJournal()`);
  }
}

/** The limits of a run as data, those of its plan taken into account. */
export function limitsOf(plan: Plan, options: RunOptions): RunLimits {
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

/** Takes the place of what holds for any run, where a recorded one had no such limit. */
export const NO_LIMITS: RunOptions = {
  failFast: undefined,
  maxParallel: undefined,
  deadlineMs: undefined,
  timeoutMs: undefined,
  retry: undefined,
  budget: undefined,
  prices: undefined,
};
