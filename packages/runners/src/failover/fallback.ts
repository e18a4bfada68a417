import {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  checkOptions,
  deriveContext,
  OptionError,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { answerOf } from '../util/checked-run.js';
import { BREAKER_OPTIONS, type BreakerOptions, breakerSettings } from './circuit-breaker.js';
import {
  codeOf,
  detailsOf,
  errorOf,
  type Failure,
  isTransient,
  messageOf,
  triesOf,
} from './combined-error.js';
import { checkRunner, descriptionOf, labelOf } from './composite.js';
import { Health } from './health.js';
import { totalOf } from './usage-total.js';
import { observed } from './with-health.js';

export interface FallbackOptions extends BreakerOptions {
  /**
   * The errors after which the next runner is asked.
   * @default all but aborted, invalid_input, rejected, step_limit and subtasks_failed, which no
   * other runner would do better
   */
  readonly on?: readonly AttemptErrorCode[];
}

const HOPELESS: readonly AttemptErrorCode[] = [
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
 * Asks the first runner; when that gives no answer, the next, each once in an attempt. One that
 * keeps failing, or that asks to wait, is passed over until it is time to try it again. An answer
 * that does not fit the task's schema is none.
 *
 * All tries count against the task's retries: the first attempt may try every runner, and further
 * ones only what is left of `maxAttempts`. So a task takes at most `maxAttempts` tries, or one of
 * each runner where those are more; the same holds for fallbacks inside of fallbacks.
 *
 * When none answers, the error has the code of the last that failed for a while only, or else of
 * the last; its message names each runner and why it failed.
 *
 * @throws {OptionError} when there is no runner, or an option is unknown or out of range.
 *
 * @example
 * const runner = fallback(openai(), anthropic());
 *
 * @example
 * const runner = fallback([openai(), anthropic()], { on: ['refused'], openAfter: 3 });
 */
export function fallback(...runners: readonly TaskRunner[]): TaskRunner;
export function fallback(runners: readonly TaskRunner[], options?: FallbackOptions): TaskRunner;
export function fallback(...given: readonly unknown[]): TaskRunner {
  const [runners, options] = argumentsOf(given);
  for (const [index, runner] of runners.entries()) {
    checkRunner('fallback()', `runner ${index + 1}`, runner);
  }
  checkOptions('fallback()', options, ['on', ...BREAKER_OPTIONS]);
  const settings = breakerSettings('fallback()', options);
  const on = codesOf(options.on);
  const members = runners.map((runner) => {
    return { runner, label: labelOf(runner), health: new Health(settings) };
  });
  return {
    ...descriptionOf('fallback', runners),
    run: (request, context) => new Fallback(members, on, request, context).run(),
  };
}

function argumentsOf(given: readonly unknown[]): [readonly TaskRunner[], FallbackOptions] {
  const [first, options = {}] = given;
  const isList = Array.isArray(first);
  const runners = (isList ? first : given) as readonly TaskRunner[];
  if (runners.length === 0 || (isList && given.length > 2)) {
    throw new OptionError('fallback() takes runners, or a list of at least one and options');
  }
  return [runners, isList ? (options as FallbackOptions) : {}];
}

function codesOf(on: FallbackOptions['on']): readonly AttemptErrorCode[] {
  if (on === undefined) return ATTEMPT_ERROR_CODES.filter((code) => !HOPELESS.includes(code));
  if (!Array.isArray(on)) throw new OptionError('fallback(): on must be a list of error codes');
  const stranger = on.find((code) => !ATTEMPT_ERROR_CODES.includes(code));
  if (stranger !== undefined) {
    const codes = ATTEMPT_ERROR_CODES.join(', ');
    throw new OptionError(`fallback(): on has "${stranger}", which is no error code of ${codes}`);
  }
  return [...on];
}

/** One attempt. */
class Fallback {
  readonly #members: readonly Member[];
  readonly #on: readonly AttemptErrorCode[];
  readonly #request: TaskRequest;
  readonly #context: RunContext;
  readonly #failures: Failure[] = [];
  #tries = 0;
  /** How many of the failures are in the log. */
  #told = 0;

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
    const { deadline = Number.POSITIVE_INFINITY } = this.#context;
    for (const [index, member] of this.#members.entries()) {
      if (this.#passesOver(member)) continue;
      // The first attempt tries each, even where one of them has tried more often than it should.
      if (attempt > 1 && this.#tries >= attemptsLeft) break;
      // There is no time left, which would look like a fault of this one.
      if (index > 0 && Date.now() >= deadline) break;
      if (this.#failures.length > 0) await this.#tell(member);
      if (signal.aborted) this.#failures.push(aborted(member, signal));
      else {
        const output = await this.#try(member, this.#members.slice(index + 1));
        if (output !== undefined) return this.#withTotal(output);
      }
      const last = this.#failures.at(-1) as Failure;
      if (signal.aborted || !this.#on.includes(codeOf(last.thrown))) throw this.#error(last);
    }
    const last = this.#failures.at(-1) as Failure;
    throw this.#error(this.#failures.findLast(({ thrown }) => isTransient(thrown)) ?? last);
  }

  #passesOver({ label, health }: Member): boolean {
    const obstacle = health.obstacle(performance.now());
    if (obstacle === undefined) return false;
    const { code, why, waitMs } = obstacle;
    const retryAfterMs = Math.ceil(waitMs);
    const message = `it is left alone for ${retryAfterMs.toLocaleString('en')} ms ${why}`;
    const thrown = new RunnerError(code, message, { retryAfterMs });
    this.#failures.push({ runner: label, thrown, tries: 0 });
    return true;
  }

  /** @returns Undefined when it failed, which is then the last of the failures. */
  async #try(member: Member, others: readonly Member[]): Promise<TaskOutput | undefined> {
    const { runner, label, health } = member;
    const { signal, emit } = this.#context;
    const healthy = others.filter((other) => other.health.waitMs(performance.now()) === 0);
    // Each of the others is to have one as well.
    const triesLeft = this.#context.attemptsLeft - this.#tries - healthy.length;
    let isOver = false;
    const { idempotencyKey: key } = this.#context;
    const before = this.#failures.length;
    const context = deriveContext(this.#context, {
      attemptsLeft: Math.max(1, triesLeft),
      // Another runner may ask the same server for something else.
      idempotencyKey: before === 0 ? key : `${key}/${before + 1}`,
      // What comes late must not mix with the text of the next.
      emit: (part) => (isOver ? undefined : emit(part)),
    });
    try {
      return await observed(health, signal, () => answerOf(runner, this.#request, context));
    } catch (thrown) {
      const tries = triesOf(thrown);
      this.#failures.push({ runner: label, thrown, tries });
      this.#tries += tries;
      return undefined;
    } finally {
      isOver = true;
    }
  }

  /** Says in the log why it is this one's turn. */
  async #tell({ label }: Member): Promise<void> {
    const news = this.#failures.slice(this.#told);
    this.#told = this.#failures.length;
    const why = news.map(({ runner, thrown, tries }) => {
      return `"${runner}" ${tries > 0 ? 'failed' : 'is passed over'}: ${messageOf(thrown)}`;
    });
    await this.#context.emit({
      kind: 'notice',
      source: 'fallback',
      message: `${why.join('; ')}; trying "${label}"`,
      code: codeOf(news.at(-1)?.thrown),
    });
  }

  /** What failed tries used has been paid for as well. */
  #withTotal(output: TaskOutput): TaskOutput {
    if (this.#tries === 0) return output;
    const { usage, costUsd, ...answer } = output;
    const failed = this.#failures.map(({ thrown }) => detailsOf(thrown));
    return { ...answer, ...totalOf([...failed, { usage, costUsd }]) };
  }

  #error(decisive: Failure): unknown {
    const now = performance.now();
    const waitMs = Math.min(...this.#members.map(({ health }) => health.waitMs(now)));
    return errorOf(this.#failures, decisive, waitMs > 0 ? Math.ceil(waitMs) : undefined);
  }
}

function aborted({ label }: Member, { reason }: AbortSignal): Failure {
  const thrown = new RunnerError('aborted', 'the attempt was aborted', { cause: reason });
  return { runner: label, thrown, tries: 0 };
}
