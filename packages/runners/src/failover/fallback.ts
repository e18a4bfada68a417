import type {
  AttemptErrorCode,
  RunContext,
  TaskOutput,
  TaskRequest,
  TaskRunner,
} from '@stratagem/core';
import {
  ATTEMPT_ERROR_CODES,
  checkOptions,
  deriveContext,
  OptionError,
  RunnerError,
} from '@stratagem/core/runner';
import { abortError } from '../util/abort.js';
import { checkedRun } from '../util/checked-run.js';
import { codeOf, detailsOf, isTransient, messageOf, triesOf } from '../util/error-details.js';
import { checkRunner } from '../util/wrapped.js';
import { BREAKER_OPTIONS, type BreakerOptions, breakerSettings } from './circuit-breaker.js';
import { combinedError, type Failure } from './combined-error.js';
import { compositeProperties, labelOf } from './composite.js';
import { Health } from './health.js';
import { totalUsage } from './usage-total.js';
import { withHealth } from './with-health.js';

export interface FallbackOptions extends BreakerOptions {
  /**
   * The error codes after which the next runner is tried.
   * @default all except aborted, invalid_input, rejected, step_limit and subtasks_failed, with which
   * every other runner would fail as well
   */
  readonly on?: readonly AttemptErrorCode[] | undefined;
}

/** Failures that every other runner would have as well. */
const NOT_WORTH_ANOTHER: readonly AttemptErrorCode[] = [
  'aborted',
  'invalid_input',
  'rejected',
  'step_limit',
  'subtasks_failed',
];

interface Member {
  readonly runner: TaskRunner;
  readonly label: string;
  readonly health: Health;
}

/**
 * Tries the first runner, then the next when that fails, each once per attempt. A runner that keeps
 * failing or has asked to wait is skipped until it should be available again. An output that does
 * not match the task's schema counts as a failure.
 *
 * All tries count against the task's retries. The first attempt may try every runner; later attempts
 * are limited to what is left of `maxAttempts`. So a task uses at most `maxAttempts` tries, or one
 * per runner if there are more runners. The same holds for nested fallbacks.
 *
 * When all fail, the error has the code of the last transient failure, or else of the last failure.
 * Its message names each runner and its error.
 *
 * @throws {OptionError} when there is no runner, or an option is unknown or out of range.
 *
 * @example
 * const runner = fallback(openai(), anthropic());
 *
 * @example
 * const runner = fallback([openai(), anthropic()], { on: ['refused'], failureThreshold: 3 });
 */
export function fallback(...runners: readonly TaskRunner[]): TaskRunner;
export function fallback(runners: readonly TaskRunner[], options?: FallbackOptions): TaskRunner;
export function fallback(...given: readonly unknown[]): TaskRunner {
  const [runners, options] = parseArguments(given);
  for (const [index, runner] of runners.entries()) {
    checkRunner('fallback()', `runner ${index + 1}`, runner);
  }
  checkOptions('fallback()', options, ['on', ...BREAKER_OPTIONS]);
  const settings = breakerSettings('fallback()', options);
  const on = checkCodes(options.on);
  const members = runners.map((runner) => {
    return { runner, label: labelOf(runner), health: new Health(settings) };
  });
  return {
    ...compositeProperties('fallback', runners),
    run: (request, context) => new FallbackAttempt(members, on, request, context).run(),
  };
}

function parseArguments(given: readonly unknown[]): [readonly TaskRunner[], FallbackOptions] {
  const [first, options = {}] = given;
  const isList = Array.isArray(first);
  const runners = (isList ? first : given) as readonly TaskRunner[];
  if (runners.length === 0 || (isList && given.length > 2)) {
    throw new OptionError('fallback() takes runners, or a list of at least one runner and options');
  }
  return [runners, isList ? (options as FallbackOptions) : {}];
}

function checkCodes(on: FallbackOptions['on']): readonly AttemptErrorCode[] {
  if (on === undefined) {
    return ATTEMPT_ERROR_CODES.filter((code) => !NOT_WORTH_ANOTHER.includes(code));
  }
  if (!Array.isArray(on)) throw new OptionError('fallback(): on must be a list of error codes');
  const unknown = on.find((code) => !ATTEMPT_ERROR_CODES.includes(code));
  if (unknown !== undefined) {
    const codes = ATTEMPT_ERROR_CODES.join(', ');
    throw new OptionError(`fallback(): on has the unknown code "${unknown}"; known are ${codes}`);
  }
  return [...on];
}

class FallbackAttempt {
  readonly #members: readonly Member[];
  readonly #on: readonly AttemptErrorCode[];
  readonly #request: TaskRequest;
  readonly #context: RunContext;
  readonly #failures: Failure[] = [];
  #tries = 0;
  /** How many of the failures have been logged. */
  #logged = 0;

  constructor(
    members: readonly Member[],
    on: readonly AttemptErrorCode[],
    request: TaskRequest,
    context: RunContext,
  ) {
    this.#members = members;
    this.#on = on;
    this.#request = request;
    this.#context = context;
  }

  async run(): Promise<TaskOutput> {
    const { attempt, attemptsLeft, signal } = this.#context;
    const { remainingMs = Number.POSITIVE_INFINITY } = this.#context;
    const deadline = performance.now() + remainingMs;
    for (const [index, member] of this.#members.entries()) {
      if (this.#skipUnavailable(member)) continue;
      // The first attempt tries every runner, even if one of them exceeded its share of tries.
      if (attempt > 1 && this.#tries >= attemptsLeft) break;
      // A request without any time left would time out and count against this runner.
      if (index > 0 && performance.now() >= deadline) break;
      if (this.#failures.length > 0) await this.#logSwitch(member);
      if (signal.aborted) {
        this.#failures.push({ runner: member.label, thrown: abortError(signal), tries: 0 });
      } else {
        const response = await this.#try(member, this.#members.slice(index + 1));
        if (response !== undefined) return this.#withTotalUsage(response);
      }
      const last = this.#failures.at(-1) as Failure;
      if (signal.aborted || !this.#on.includes(codeOf(last.thrown))) throw this.#error(last);
    }
    const last = this.#failures.at(-1) as Failure;
    throw this.#error(this.#failures.findLast(({ thrown }) => isTransient(thrown)) ?? last);
  }

  /** Records an unavailable runner as a failure without tries. Returns whether it is skipped. */
  #skipUnavailable({ label, health }: Member): boolean {
    const unavailability = health.unavailability(performance.now());
    if (unavailability === undefined) return false;
    const { code, reason, waitMs } = unavailability;
    const retryAfterMs = Math.ceil(waitMs);
    const message = `unavailable for ${retryAfterMs.toLocaleString('en')} ms ${reason}`;
    const thrown = new RunnerError(code, message, { retryAfterMs });
    this.#failures.push({ runner: label, thrown, tries: 0 });
    return true;
  }

  /** Returns undefined when the runner failed; the error is then the last of the failures. */
  async #try(member: Member, others: readonly Member[]): Promise<TaskOutput | undefined> {
    const { runner, label, health } = member;
    const { signal, emit } = this.#context;
    const healthy = others.filter((other) => other.health.waitMs(performance.now()) === 0);
    // One try is reserved for each healthy runner that comes later.
    const triesLeft = this.#context.attemptsLeft - this.#tries - healthy.length;
    let isOver = false;
    const { idempotencyKey: key } = this.#context;
    const before = this.#failures.length;
    const context = deriveContext(this.#context, {
      attemptsLeft: Math.max(1, triesLeft),
      // Several runners may use the same server, whose requests must not be deduplicated.
      idempotencyKey: before === 0 ? key : `${key}/${before + 1}`,
      // Late output must not mix with the text of the next runner.
      emit: (part) => (isOver ? undefined : emit(part)),
    });
    try {
      return await withHealth(health, signal, () => checkedRun(runner, this.#request, context));
    } catch (thrown) {
      const tries = triesOf(thrown);
      this.#failures.push({ runner: label, thrown, tries });
      this.#tries += tries;
      return undefined;
    } finally {
      isOver = true;
    }
  }

  /** Logs why the attempt moves on to this runner. */
  async #logSwitch({ label }: Member): Promise<void> {
    const unlogged = this.#failures.slice(this.#logged);
    this.#logged = this.#failures.length;
    const reasons = unlogged.map(({ runner, thrown, tries }) => {
      return `"${runner}" ${tries > 0 ? 'failed' : 'was skipped'}: ${messageOf(thrown)}`;
    });
    await this.#context.emit({
      kind: 'notice',
      source: 'fallback',
      message: `${reasons.join('; ')}; trying "${label}"`,
      code: codeOf(unlogged.at(-1)?.thrown),
    });
  }

  /** Adds the usage of failed tries, which were paid for as well. */
  #withTotalUsage(output: TaskOutput): TaskOutput {
    if (this.#tries === 0) return output;
    const { usage, costUsd, ...response } = output;
    const failed = this.#failures.map(({ thrown }) => detailsOf(thrown));
    return { ...response, ...totalUsage([...failed, { usage, costUsd }]) };
  }

  #error(decisive: Failure): unknown {
    const now = performance.now();
    const waitMs = Math.min(...this.#members.map(({ health }) => health.waitMs(now)));
    return combinedError(this.#failures, decisive, waitMs > 0 ? Math.ceil(waitMs) : undefined);
  }
}
