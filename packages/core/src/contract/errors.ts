import { isFetchFailure } from './fetch-failure.js';
import { costOf, type PriceTable } from './price.js';
import { type RateLimits, rateLimitsOf } from './rate-limits.js';
import { isAmount, type Usage, usageOf } from './usage.js';

/** Why an operation of a journal failed; see `JournalError`. */
export const JOURNAL_ERROR_CODES = [
  /** A run with that id is recorded already. */
  'run_exists',
  /** No run with that id is recorded. */
  'run_not_found',
  /** Another writer has the lease of the run, in this process or in another one. */
  'run_locked',
  /** The run was never submitted to a queue, so no coordinator sees requests to it. */
  'run_not_queued',
  /** The stored data is damaged or incomplete. */
  'journal_corrupt',
  /** It was written by a newer version. */
  'journal_newer',
  /** The journal is read-only. */
  'journal_read_only',
  /** The disk or the store is full. */
  'journal_full',
  /** Any other failure to read or write. */
  'journal_failed',
] as const;

/** One of {@link JOURNAL_ERROR_CODES}, where each is explained. */
export type JournalErrorCode = (typeof JOURNAL_ERROR_CODES)[number];

/**
 * The kind of an error, as a stable machine-readable string. Match on this, never on a message.
 *
 * The first group is about how the library is used, the second about how a run ended, the third
 * (see {@link AttemptErrorCode}) about one attempt at a task.
 */
export type ErrorCode =
  | 'invalid_plan'
  | 'invalid_inputs'
  | 'invalid_option'
  | 'missing_runner'
  | 'unsupported_tools'
  | 'invalid_strategy'
  | 'run_failed'
  | 'run_canceled'
  | 'run_interrupted'
  | 'deadline_exceeded'
  | 'goal_not_achieved'
  | 'goal_achieved'
  | 'budget_exceeded'
  | 'replan_failed'
  | 'not_waiting'
  | 'unknown_task'
  | 'task_ended'
  | 'run_ended'
  | 'run_not_open'
  | 'plan_changed'
  | 'plan_required'
  | JournalErrorCode
  | AttemptErrorCode;

/**
 * Why an attempt at a task failed, in the same words for every provider, so that retry rules,
 * fallbacks and strategies can be written once.
 */
export const ATTEMPT_ERROR_CODES = [
  /** The task's own function or a runner threw an error without one of these codes. */
  'task_failed',
  /** The output does not match the task's schema, or the runner did not return a `TaskOutput`. */
  'invalid_output',
  /** The outputs of the dependencies cannot be used: in a prompt, a condition or a fan-out. */
  'invalid_input',
  /** Subtasks failed, or too few items of a fan-out succeeded. */
  'subtasks_failed',
  /** The condition of a loop did not hold after its last iteration. */
  'loop_exhausted',
  /** A human refused. */
  'rejected',
  /** A credential is missing. */
  'missing_api_key',
  'authentication',
  'permission_denied',
  'insufficient_quota',
  'invalid_request',
  /** The prompt does not fit into the context window of the model. */
  'context_length_exceeded',
  'not_found',
  /** The server asks for fewer requests; `retryAfterMs` is how long to wait, if it is known. */
  'rate_limited',
  /** The server has no capacity at the moment. */
  'overloaded',
  'server_error',
  'timeout',
  /** The connection failed or broke; also when `fetch` says so within a task's own function. */
  'connection',
  /** The model declined to answer. */
  'refused',
  /** The answer was cut off at a token limit. */
  'truncated',
  /** The model called tools until the limit of steps. */
  'step_limit',
  /** The attempt was aborted because the run stopped. */
  'aborted',
  /** Somebody canceled or skipped the task alone. */
  'canceled',
] as const;

/** One of {@link ATTEMPT_ERROR_CODES}, where each is explained. */
export type AttemptErrorCode = (typeof ATTEMPT_ERROR_CODES)[number];

const brand = Symbol.for('stratagem.error');

/**
 * Base of every error this library throws or reports.
 *
 * Serialises to `{ name, code, message, … }`. JSON leaves out the `cause`, because an SDK may attach
 * data to its errors that does not belong in a log.
 */
export class StratagemError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  toJSON(): Record<string, unknown> {
    const { cause: _, ...known } = this as StratagemError & Record<string, unknown>;
    return { ...known, message: this.message };
  }
}

/**
 * Whether a value is an error of this library. Holds across copies of the package, where
 * `instanceof` does not.
 */
export function isStratagemError(value: unknown): value is StratagemError {
  try {
    return typeof value === 'object' && value !== null && brand in value;
  } catch {
    return false; // A proxy may throw.
  }
}

/** An invalid option or argument. The message names it and the accepted values. */
export class OptionError extends StratagemError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid_option', message, options);
  }
}

/** Details of a failed attempt besides its code. */
export interface RunnerErrorDetails {
  /** The value that was thrown originally. */
  readonly cause?: unknown | undefined;
  /** How long the server asked to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /**
   * Whether the server asked to try again, or not to. `false` ends the retries. `true` adds one where
   * `retry.on` is not set.
   * @default the code decides
   */
  readonly isRetryable?: boolean | undefined;
  /** HTTP status of the answer, when there was one. */
  readonly status?: number | undefined;
  /** The provider's id of the request, for its support. */
  readonly requestId?: string | undefined;
  /** Tokens that the failed attempt used. */
  readonly usage?: Usage | undefined;
  /** The cost of the tokens in US dollars; leave it out when the price is unknown. */
  readonly costUsd?: number | undefined;
  /** The provider's name of the model. */
  readonly model?: string | undefined;
  /** The rate limits that the server announced. */
  readonly rateLimits?: RateLimits | undefined;
  /**
   * How many tries this attempt made; all of them count against the task's retries.
   * @default 1
   */
  readonly tries?: number | undefined;
}

/**
 * A `TaskRunner` throws this when an attempt fails for a known reason.
 *
 * @example
 * throw new RunnerError('rate_limited', 'the service allows 60 requests a minute', {
 *   retryAfterMs: 1_500,
 * });
 */
export class RunnerError extends StratagemError {
  declare readonly code: AttemptErrorCode;
  declare readonly retryAfterMs?: number | undefined;
  declare readonly isRetryable?: boolean | undefined;
  declare readonly status?: number | undefined;
  declare readonly requestId?: string | undefined;
  declare readonly usage?: Usage | undefined;
  declare readonly costUsd?: number | undefined;
  declare readonly model?: string | undefined;
  declare readonly rateLimits?: RateLimits | undefined;
  declare readonly tries?: number | undefined;

  constructor(code: AttemptErrorCode, message: string, details: RunnerErrorDetails = {}) {
    const { cause, ...known } = details;
    super(code, message, cause === undefined ? undefined : { cause });
    for (const [name, value] of Object.entries(known)) {
      // A field without a value would only lengthen what a console prints.
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
  }
}

/**
 * The failure of an attempt at a task. It has the code and the details of the `RunnerError` that was
 * thrown; the thrown value itself is its `cause`.
 */
export class TaskError extends StratagemError {
  declare readonly code: AttemptErrorCode;
  readonly taskId: string;
  declare readonly retryAfterMs?: number | undefined;
  declare readonly isRetryable?: boolean | undefined;
  declare readonly status?: number | undefined;
  declare readonly requestId?: string | undefined;
  declare readonly usage?: Usage | undefined;
  declare readonly costUsd?: number | undefined;
  declare readonly model?: string | undefined;
  declare readonly rateLimits?: RateLimits | undefined;
  declare readonly tries?: number | undefined;

  /** @param prices Prices by model, for the cost of the attempt. */
  constructor(taskId: string, thrown: unknown, prices: PriceTable = {}) {
    const known: Partial<RunnerError> = isStratagemError(thrown) ? (thrown as RunnerError) : {};
    // Our own messages are complete; the causes of other errors may say more.
    const why = known.message ?? describe(thrown);
    const other = isFetchFailure(thrown) ? 'connection' : 'task_failed';
    const code = ATTEMPT_ERROR_CODES.find((each) => each === known.code) ?? other;
    super(code, `Task "${taskId}" failed: ${why}`, { cause: thrown });
    this.taskId = taskId;
    // With a wait that is not a time, the task would never be tried again, and never end.
    const retryAfterMs: unknown = known.retryAfterMs;
    if (isAmount(retryAfterMs)) this.retryAfterMs = retryAfterMs;
    if (known.isRetryable !== undefined) this.isRetryable = known.isRetryable === true;
    if (Number.isFinite(known.status)) this.status = known.status;
    if (typeof known.requestId === 'string') this.requestId = known.requestId;
    noteUsage(this, known, prices);
    const rateLimits = known.rateLimits && rateLimitsOf(known.rateLimits);
    if (rateLimits !== undefined) this.rateLimits = rateLimits;
    if (isCount(known.tries)) this.tries = known.tries;
  }
}

/** Notes what a failure used, and its cost by these prices or else by the runner. */
function noteUsage(
  error: { usage?: Usage | undefined; model?: string | undefined; costUsd?: number | undefined },
  known: RunnerErrorDetails,
  prices: PriceTable,
): void {
  if (typeof known.model === 'string') error.model = known.model;
  const usage = usageOf(known.usage);
  if (usage === undefined) return;
  error.usage = usage;
  const costUsd = costOf(usage, error.model, prices) ?? known.costUsd;
  if (isAmount(costUsd)) error.costUsd = costUsd;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

/** A round of re-planning failed; the thrown value is the `cause`. */
export class ReplanError extends StratagemError {
  readonly round: number;
  /** Tokens that the round used. */
  declare readonly usage?: Usage | undefined;
  /** The cost of the tokens in US dollars; left out when the price is unknown. */
  declare readonly costUsd?: number | undefined;
  declare readonly model?: string | undefined;

  /** @param prices Prices by model, for the cost of the round. */
  constructor(round: number, thrown: unknown, prices: PriceTable = {}) {
    const known: Partial<RunnerError> = isStratagemError(thrown) ? (thrown as RunnerError) : {};
    const why = known.message ?? describe(thrown);
    super('replan_failed', `Re-planning failed in round ${round}: ${why}`, { cause: thrown });
    this.round = round;
    noteUsage(this, known, prices);
  }
}

/** A strategy broke its contract: it threw, or chose a task that is not ready. */
export class StrategyError extends StratagemError {
  constructor(strategy: string, message: string, options?: ErrorOptions) {
    super('invalid_strategy', `Strategy "${strategy}" ${message}`, options);
  }
}

/** Longer messages are cut: a whole response belongs in the cause, not in every log. */
const MAX_MESSAGE = 2_000;

/** The fields to show of a thrown object that is no error: others may hold an API key. */
const SHOWN_FIELDS = ['message', 'code', 'status', 'statusCode', 'type'];

/**
 * One readable line for any thrown value. It includes the messages of its causes, because a message
 * such as "fetch failed" alone does not help.
 */
export function describe(thrown: unknown): string {
  const parts: string[] = [];
  let current = thrown;
  // Bounded, as an error can be its own cause.
  for (let depth = 0; depth < 8 && parts.length < 3; depth++) {
    const text = ownMessage(current);
    if (!parts.some((part) => part.includes(text))) parts.push(text);
    current = causeOf(current);
    if (current === undefined || current === null) break;
  }
  // A message may be a sentence.
  const line = parts.join(': ').replaceAll('.: ', ': ');
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE)}…`;
}

/** Any value as short text, even one that throws when it is read. */
export function show(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `an unreadable ${typeof value}`;
  }
}

function causeOf(value: unknown): unknown {
  try {
    return value instanceof Error ? value.cause : undefined;
  } catch {
    return undefined;
  }
}

function ownMessage(value: unknown): string {
  try {
    if (value instanceof Error) {
      const [first] = value instanceof AggregateError ? value.errors : [];
      const { message, name } = !value.message && first instanceof Error ? first : value;
      return show(message || name || 'Error');
    }
    if (typeof value === 'string') return value || 'an empty string was thrown';
    if (value === undefined || value === null) return `${value} was thrown`;
    if (typeof value === 'object') return JSON.stringify(value, SHOWN_FIELDS) ?? String(value);
    return String(value);
  } catch {
    return 'a value that cannot be shown was thrown';
  }
}
