import { ATTACHMENT_OPTIONS, type AttachmentOptions } from '../contract/attachment.js';
import { type Budget, eitherBudget } from '../contract/budget.js';
import type { AttemptCarrier } from '../contract/carrier.js';
import { checkDuration, checkFlag, checkLimit, checkOptions } from '../contract/check-options.js';
import { checkCodecs, type ValueCodec } from '../contract/codec.js';
import { OptionError, show } from '../contract/errors.js';
import type { RunEvent, RunLimits } from '../contract/event.js';
import { checkInstrumentation, type Instrumentation } from '../contract/instrumentation.js';
import type { AbandonedAttempt } from '../contract/interrupt.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { formatProblem, type PlanProblem } from '../contract/plan-error.js';
import type { InputValues } from '../contract/plan-inputs.js';
import type { PriceTable } from '../contract/price.js';
import { checkReplan, type Replan } from '../contract/replan.js';
import { checkResources, type ResourceLimits } from '../contract/resource-limit.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { Task } from '../contract/task.js';
import { checkReuse, type ReuseOptions } from '../journal/reuse.js';
import { checkBudget, checkPrices, checkRetry } from '../validate/settings.js';

/** Options of a run, given to the executor for all its runs or to `execute` for one. */
export interface RunOptions {
  /**
   * The maximum number of attempts in flight at once, whatever the strategy chooses. The cap of the
   * executor applies as well.
   * @default the strategy's own `maxParallel`, or 16
   */
  readonly maxParallel?: number | undefined;
  /**
   * Caps of resources, by name: usually provider and model. Tasks of a full resource wait, and do not
   * hold up the others.
   * @default no resource has a cap of its own
   *
   * @example
   * // At most 8 requests to one model at once, and a batch job that holds no place of other tasks.
   * resources: { 'openai/gpt-5': { maxParallel: 8 }, batch: { maxParallel: 1_000, separate: true } }
   */
  readonly resources?: ResourceLimits | undefined;
  /**
   * Stop the run at the first failed task. Otherwise, tasks that do not depend on the failed task still
   * run. The plan ends `failed` either way.
   * @default false
   */
  readonly failFast?: boolean | undefined;
  /**
   * The maximum duration of the run, in milliseconds; when it is exceeded, the plan fails. If the plan
   * has a deadline too, the shorter one applies.
   */
  readonly deadlineMs?: number | undefined;
  /** The maximum duration of an attempt, in milliseconds, unless the task or the plan sets one. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long an attempt may go without text and without a step or call of a tool, in milliseconds,
   * unless the task or the plan says. Not for tasks with a `run` function.
   */
  readonly idleTimeoutMs?: number | undefined;
  /** How failed attempts are retried, unless the task or the plan sets a policy. */
  readonly retry?: RetryPolicy | undefined;
  /**
   * Limits of what the run may use. If the plan has a budget too, the lower limits apply. The budget of a
   * run replaces that of the executor, except those of other resources.
   */
  readonly budget?: Budget | undefined;
  /** Prices of models; they override the costs that runners report. */
  readonly prices?: PriceTable | undefined;
  /**
   * Requests more tasks, a limited number of times, when the plan would end with failed tasks or an
   * unachieved goal. Not used after an exceeded budget or deadline, a cancellation, or `failFast`.
   */
  readonly replan?: Replan | undefined;
  /**
   * The maximum nesting depth of subtasks.
   * @default 8
   */
  readonly maxDepth?: number | undefined;
  /**
   * An integer that seeds the random delays between attempts: the same seed gives the same delays.
   * @default a random one for each run
   */
  readonly seed?: number | undefined;
  /**
   * How long the result waits for work of this process that was aborted, in milliseconds. Work that
   * ignores its signal for longer is abandoned: see `onAbandoned`. 0 does not wait.
   * @default 5000
   */
  readonly abortGraceMs?: number | undefined;
  /**
   * Called at the end of the run for each attempt whose work goes on although it was aborted. Errors that
   * it throws are in `listenerErrors` of the result.
   */
  readonly onAbandoned?: ((attempt: AbandonedAttempt) => void) | undefined;
  /** Aborting it cancels the run. If the executor has a signal too, either one cancels. */
  readonly signal?: AbortSignal | undefined;
  /**
   * `'keep'` includes all events in the result. `'stream'` only passes them to `onEvent` and to iterators
   * of the run.
   * @default 'keep'
   */
  readonly timeline?: 'keep' | 'stream' | undefined;
  /**
   * Called with each event as it happens. Errors that it throws are collected in `listenerErrors` of
   * the result and have no other effect.
   */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /**
   * Whether `onEvent` reads answers while they are written. With false, it gets no `task_output`; unless
   * somebody else reads the text, models are asked for whole answers, which takes less CPU time.
   * @default true
   */
  readonly wantsText?: boolean | undefined;
  /**
   * Records the run so that it survives the process. No event is published, and no attempt started,
   * before it is durable.
   */
  readonly journal?: Journal | undefined;
  /**
   * Which files tasks may attach, and how large they may be. Checked before the run begins, for all
   * attachments without references.
   * @default files below the working directory, of at most 20 MiB each
   */
  readonly attachments?: AttachmentOptions | undefined;
  /**
   * Redacts a task's output before it is stored in the journal. It returns a changed copy: outputs are
   * frozen. The run itself uses the original output; a resumed run uses the stored one.
   *
   * It is called for the items of fan-outs, for questions and for error messages as well, with the task
   * that they are about. A text is only replaced by a text. Words that were removed from an output are
   * removed from all these and from added tasks, whatever `redact` makes of them.
   *
   * With `redact`, the journal has no `task_output` events, and other runs cannot reuse outputs of this
   * run.
   */
  readonly redact?: ((output: unknown, task: Task) => unknown) | undefined;
  /**
   * Reuse outputs of earlier runs from the journal when the task, its inputs, and the runner with its
   * model and settings are unchanged. A reused output costs nothing; its `task_completed` names the run
   * that it comes from. Functions and tasks with tools always run, because their effects are unknown.
   * Without a journal, `execute` throws `OptionError`.
   * @default false
   */
  readonly reuse?: boolean | ReuseOptions | undefined;
  /**
   * The maximum length of one output as JSON, in bytes. An attempt with a longer output fails with
   * `invalid_output`.
   * @default 67_108_864 (64 MiB)
   */
  readonly maxOutputBytes?: number | undefined;
  /**
   * `'final'` drops an output from memory as soon as all tasks that depend on it have settled, except
   * those that the goal is about. The result has the outputs of the other tasks, and `outputReleased`
   * for each one that was dropped. `onEvent` and the journal get every output; an iterator that lags
   * behind may get undefined. Not together with `replan`, which shows all outputs to the planner.
   * @default 'all'
   */
  readonly outputs?: 'all' | 'final' | undefined;
  /**
   * Keep instances of classes in outputs: how each class is stored and copied. Without a codec, tasks
   * share an instance, and a run with a journal refuses it.
   */
  readonly codecs?: readonly ValueCodec[] | undefined;
  /**
   * Watches the run from the inside, such as `instrument()` of `@stratagem/otel`.
   * @default nobody does
   */
  readonly instrumentation?: Instrumentation | undefined;
  /**
   * Runs attempts outside this process: a carrier of an engine package.
   * @default this process
   */
  readonly carrier?: AttemptCarrier | undefined;
}

/** Options of one run. */
export interface ExecuteOptions<Inputs = InputValues> extends RunOptions {
  /** Values for the inputs of the plan. Defaults and environment variables fill in the others. */
  readonly inputs?: Inputs | undefined;
  /**
   * The id of the run in its journal and in idempotency keys: at most 128 letters, digits, `.`, `_` and
   * `-`, not starting with `.`.
   * @default a random one
   */
  readonly runId?: string | undefined;
}

/** The options of `execute`: required when the plan has an input that must be given. */
export type ExecuteArguments<Inputs> = unknown extends Inputs
  ? [options?: ExecuteOptions]
  : {} extends Inputs
    ? [options?: ExecuteOptions<Inputs>]
    : [options: ExecuteOptions<Inputs> & { readonly inputs: Inputs }];

/** The names of `RunOptions`. */
export const RUN_OPTIONS = [
  'maxParallel',
  'resources',
  'failFast',
  'deadlineMs',
  'timeoutMs',
  'idleTimeoutMs',
  'retry',
  'budget',
  'prices',
  'replan',
  'maxDepth',
  'seed',
  'abortGraceMs',
  'onAbandoned',
  'signal',
  'timeline',
  'onEvent',
  'wantsText',
  'journal',
  'attachments',
  'redact',
  'reuse',
  'maxOutputBytes',
  'outputs',
  'codecs',
  'instrumentation',
  'carrier',
];

/**
 * @param owner The function that received the options, for messages.
 * @throws {OptionError} when an option is invalid.
 */
export function checkRunOptions(owner: string, options: RunOptions): void {
  const {
    maxParallel,
    failFast,
    deadlineMs,
    timeoutMs,
    idleTimeoutMs,
    maxDepth,
    seed,
    abortGraceMs,
    onAbandoned,
  } = options;
  const { retry, budget, prices, replan, timeline, signal, onEvent, wantsText } = options;
  const {
    journal,
    attachments,
    redact,
    reuse,
    carrier,
    maxOutputBytes,
    codecs,
    outputs,
    resources,
    instrumentation,
  } = options;
  if (maxParallel !== undefined) checkLimit(owner, 'maxParallel', maxParallel);
  if (resources !== undefined) checkResources(owner, resources);
  if (failFast !== undefined) checkFlag(owner, 'failFast', failFast);
  if (deadlineMs !== undefined) checkDuration(owner, 'deadlineMs', deadlineMs);
  if (timeoutMs !== undefined) checkDuration(owner, 'timeoutMs', timeoutMs);
  if (idleTimeoutMs !== undefined) checkDuration(owner, 'idleTimeoutMs', idleTimeoutMs);
  if (maxDepth !== undefined) checkLimit(owner, 'maxDepth', maxDepth);
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new OptionError(`${owner}: seed must be an integer; it is ${show(seed)}`);
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
  if (abortGraceMs !== undefined && !(Number.isFinite(abortGraceMs) && abortGraceMs >= 0)) {
    const shown = show(abortGraceMs);
    throw new OptionError(`${owner}: abortGraceMs must be a number ≥ 0; it is ${shown}`);
  }
  if (onAbandoned !== undefined && typeof onAbandoned !== 'function') {
    throw new OptionError(`${owner}: onAbandoned must be a function`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError(`${owner}: signal must be an AbortSignal`);
  }
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new OptionError(`${owner}: onEvent must be a function`);
  }
  if (wantsText !== undefined) checkFlag(owner, 'wantsText', wantsText);
  if (redact !== undefined && typeof redact !== 'function') {
    throw new OptionError(`${owner}: redact must be a function`);
  }
  if (reuse !== undefined) checkReuse(owner, reuse);
  if (attachments !== undefined) checkAttachmentOptions(`${owner}: attachments`, attachments);
  if (maxOutputBytes !== undefined) checkLimit(owner, 'maxOutputBytes', maxOutputBytes);
  if (codecs !== undefined) checkCodecs(owner, codecs);
  if (outputs !== undefined && outputs !== 'all' && outputs !== 'final') {
    throw new OptionError(`${owner}: outputs must be 'all' or 'final'; it is ${show(outputs)}`);
  }
  if (instrumentation !== undefined) checkInstrumentation(owner, instrumentation);
  if (carrier !== undefined && typeof carrier?.start !== 'function') {
    throw new OptionError(`${owner}: carrier must be an AttemptCarrier`);
  }
  if (journal !== undefined && typeof journal?.create !== 'function') {
    throw new OptionError(`${owner}: journal must be a Journal, such as memoryJournal()`);
  }
}

function checkAttachmentOptions(owner: string, options: AttachmentOptions): void {
  checkOptions(owner, options, ATTACHMENT_OPTIONS);
  const { directory, allowRead = [], maxBytes } = options;
  if (directory !== undefined && !(typeof directory === 'string' && directory !== '')) {
    throw new OptionError(`${owner}: directory must be the path of a folder`);
  }
  if (!Array.isArray(allowRead) || !allowRead.every((each) => typeof each === 'string')) {
    throw new OptionError(`${owner}: allowRead must be a list of paths of folders`);
  }
  if (maxBytes !== undefined) checkLimit(owner, 'maxBytes', maxBytes);
}

/** How long aborted work is waited for, in milliseconds. */
export const ABORT_GRACE_MS = 5_000;

/** Longer texts come near to the longest that the engine can hold, once they are written as JSON. */
export const MAX_OUTPUT_BYTES = 2 ** 26;

/** The limits of a run as data, combined with those of its plan. */
export function limitsOf(plan: Plan, options: RunOptions): RunLimits {
  const { failFast, maxParallel, resources, timeoutMs, idleTimeoutMs, retry, prices } = options;
  const deadlineMs = Math.min(
    plan.deadlineMs ?? Number.POSITIVE_INFINITY,
    options.deadlineMs ?? Number.POSITIVE_INFINITY,
  );
  return withoutUndefined<RunLimits>({
    failFast: failFast || undefined,
    maxParallel,
    resources,
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : undefined,
    timeoutMs,
    idleTimeoutMs,
    retry,
    budget: eitherBudget(plan.budget, options.budget),
    prices,
  });
}

export function withoutUndefined<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}

/** Removes the limits of the executor, so that a resumed run has only its recorded ones. */
export const NO_LIMITS: RunOptions = {
  failFast: undefined,
  maxParallel: undefined,
  resources: undefined,
  deadlineMs: undefined,
  timeoutMs: undefined,
  idleTimeoutMs: undefined,
  retry: undefined,
  budget: undefined,
  prices: undefined,
};
