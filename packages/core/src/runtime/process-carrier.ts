import { citationsOf } from '../contract/citation.js';
import { RunnerError } from '../contract/errors.js';
import type { Instrumentation, InstrumentedAttempt } from '../contract/instrumentation.js';
import { rateLimitsOf } from '../contract/rate-limits.js';
import type { AttemptResult, TaskOutput } from '../contract/runner.js';
import { serverToolCallsOf } from '../contract/server-tool-call.js';
import type { Task } from '../contract/task.js';
import type { RequestTool } from '../contract/tool.js';
import { isAmount, usageOf } from '../contract/usage.js';
import type { Inputs } from '../state/inputs.js';
import { lazyRecords } from '../util/lazy-record.js';
import { isThenable } from '../util/promise.js';
import { MAX_TIMER_MS } from '../util/timer.js';
import type { Attempt } from './attempt.js';
import { bindTool } from './bind-tool.js';
import type { Runners } from './runners.js';
import type { Toolbox } from './tool-registry.js';
import type { WireAttempt } from './wire-attempt.js';

export type ActiveAttempt = Attempt | WireAttempt;

const NO_TOOLS: readonly RequestTool[] = [];

/**
 * Carries attempts out in this process: calls the function of the task, or asks the runner. An attempt knows
 * where to report; calls that came over a wire are the matter of `workerCarrier`.
 */
export class ProcessCarrier {
  readonly #runners: Runners;
  readonly #toolbox: Toolbox;
  readonly #instrumentation: Instrumentation | undefined;
  /** Attempts whose work goes on although they were aborted, and when they were, on a steady clock. */
  readonly #aborted = new Map<ActiveAttempt, number>();
  #onLastEnd: (() => void) | undefined;
  /** Whether a lane reports the end of its attempt, and may continue with another one. */
  #isReporting = false;
  /** The attempt that the reporting lane continues with, and what it awaits. */
  #next: ActiveAttempt | undefined;
  #nextValue: PromiseLike<unknown> | undefined;

  constructor(runners: Runners, toolbox: Toolbox, instrumentation?: Instrumentation) {
    this.#runners = runners;
    this.#toolbox = toolbox;
    this.#instrumentation = instrumentation;
  }

  /**
   * Begins an attempt, and reports its end.
   *
   * Asynchronous attempts run in lanes: when a report starts further attempts, the last one stays in the lane
   * of the one that ended. A lane costs less than a promise and two closures for each attempt. The last,
   * because a lane awaits its attempt after all the others: attempts that end at the same time are
   * reported in the order of their start.
   */
  run(attempt: ActiveAttempt): void {
    const instrumentation = this.#instrumentation;
    let awaited: PromiseLike<unknown> | undefined;
    let result: AttemptResult | undefined;
    let error: unknown;
    attempt.isAwaited = true;
    try {
      const value =
        instrumentation === undefined
          ? this.#perform(attempt)
          : instrumentation.attempt(this.#describe(attempt), () => this.#perform(attempt));
      if (isThenable(value)) awaited = value;
      else result = readAnswer(attempt.runner?.name, value);
    } catch (thrown) {
      error = thrown;
    }
    if (awaited === undefined) {
      // What it reported meanwhile may have aborted it.
      if (!attempt.isAwaited) this.#aborted.delete(attempt);
      attempt.isAwaited = false;
      if (result === undefined) attempt.tell({ type: 'failed', error });
      else attempt.host.complete(attempt, result);
      return;
    }
    if (!this.#isReporting) void this.#runLane(attempt, awaited);
    else {
      const before = this.#next;
      if (before !== undefined) {
        void this.#runLane(before, this.#nextValue as PromiseLike<unknown>);
      }
      this.#next = attempt;
      this.#nextValue = awaited;
    }
  }

  /** Returns what the function of the task, or the runner, returns. */
  #perform(attempt: ActiveAttempt): unknown {
    const { task } = attempt;
    const { run, model } = task;
    if (run !== undefined) return run(inputsFor(run, attempt), attempt);
    if (task.tool !== undefined || task.command !== undefined) return this.#runStep(attempt);
    const runners = this.#runners;
    const runner = model === undefined ? runners.default : runners.of(task);
    if (runner === undefined) throw withoutRunner(task);
    attempt.runner = runner;
    const tools =
      task.tools === undefined
        ? NO_TOOLS
        : this.#toolbox.of(task).map((tool) => bindTool(tool, attempt));
    const request = attempt.requestWith(tools);
    return runner.run(model === undefined ? request : runners.requestFor(request), attempt);
  }

  async #runStep(attempt: ActiveAttempt): Promise<unknown> {
    const { step } = attempt;
    // Loaded by the first step, as most plans have none.
    const { runCommand, runTool } = await import('./run-step.js');
    if (step.kind === 'command') return runCommand(step.command, this.#toolbox.commands, attempt);
    return runTool(this.#toolbox.called(attempt.task), step, attempt);
  }

  #describe(attempt: ActiveAttempt): InstrumentedAttempt {
    const { runId, taskId, task, resource, trace, hasSecrets, hide } = attempt;
    const kind = kindOf(task);
    return {
      runId,
      taskId,
      attempt: attempt.attempt,
      hasSecrets,
      hide,
      kind,
      runner: kind === 'runner' ? this.#runners.of(task)?.name : undefined,
      resource,
      model: task.model,
      trace,
      prompt: () => (kind === 'runner' ? attempt.requestWith(NO_TOOLS).prompt : undefined),
    };
  }

  async #runLane(first: ActiveAttempt, value: PromiseLike<unknown>): Promise<void> {
    let attempt: ActiveAttempt | undefined = first;
    let awaited: PromiseLike<unknown> | undefined = value;
    while (attempt !== undefined) {
      let result: AttemptResult | undefined;
      let error: unknown;
      try {
        result = readAnswer(attempt.runner?.name, await awaited);
      } catch (thrown) {
        error = thrown;
      }
      // Otherwise it was canceled, and nobody waits for it.
      if (attempt.isAwaited) {
        attempt.isAwaited = false;
        this.#isReporting = true;
        if (result === undefined) attempt.tell({ type: 'failed', error });
        else attempt.host.complete(attempt, result);
        this.#isReporting = false;
      } else if (this.#aborted.delete(attempt) && this.#aborted.size === 0) {
        this.#onLastEnd?.();
      }
      attempt = this.#next;
      awaited = this.#nextValue;
      this.#next = this.#nextValue = undefined;
    }
  }

  /** Nobody waits for an attempt any more: its work is asked to end. */
  abort(attempt: ActiveAttempt, reason: unknown): void {
    if (!attempt.isAwaited) return;
    attempt.isAwaited = false;
    this.#aborted.set(attempt, performance.now());
    attempt.abort(reason);
  }

  /** Waits until the work of aborted attempts has ended, at most so long after the last was aborted. */
  async settle(graceMs: number): Promise<void> {
    let lastAt = 0;
    for (const at of this.#aborted.values()) lastAt = Math.max(lastAt, at);
    const leftMs = Math.min(lastAt + graceMs - performance.now(), MAX_TIMER_MS);
    if (leftMs <= 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#onLastEnd = resolve;
      timer = setTimeout(resolve, leftMs);
    });
    clearTimeout(timer);
    // Otherwise work that never ends would keep the waiting run in memory.
    this.#onLastEnd = undefined;
  }

  /** Whether work goes on that was aborted. */
  get hasAborted(): boolean {
    return this.#aborted.size > 0;
  }

  /** The attempts whose work goes on although they were aborted, and for how many milliseconds. */
  abandoned(): readonly (readonly [attempt: ActiveAttempt, abortedMs: number])[] {
    const now = performance.now();
    return Array.from(this.#aborted, ([attempt, at]) => [attempt, now - at] as const);
  }
}

/**
 * Checks and copies what a runner returned, so that nothing later depends on a foreign object. A usage or
 * cost that is not one is left out.
 *
 * @param runner Its name; undefined for a function, a tool or a command, which returns its output itself.
 * @param isStrict Whether such a usage or cost is refused: no paid answer depends on it.
 * @throws {RunnerError} `invalid_output`, with the name of the runner and the problem.
 */
export function readAnswer(
  runner: string | undefined,
  answer: unknown,
  isStrict = false,
): AttemptResult {
  if (runner === undefined) return { output: answer };
  const refuse = (what: string) =>
    new RunnerError('invalid_output', `runner "${runner}" answered with ${what}`);
  if (typeof answer !== 'object' || answer === null || !('output' in answer)) {
    throw refuse(`${answerInWords(answer)}; it must resolve to { output }`);
  }
  const { output, usage, costUsd, model, requestId, rateLimits, cached, citations } =
    answer as TaskOutput;
  const { serverToolCalls } = answer as TaskOutput;
  // An odd count must not lose an answer that has been paid for.
  const used = {
    usage: usage === undefined ? undefined : usageOf(usage),
    costUsd: costUsd !== undefined && isAmount(costUsd) ? costUsd : undefined,
  };
  const isOdd = (given: unknown, known: unknown) => given !== undefined && known === undefined;
  if (isStrict && (isOdd(usage, used.usage) || isOdd(costUsd, used.costUsd))) {
    throw refuse('an invalid usage or cost');
  }
  return {
    output,
    ...used,
    model: typeof model === 'string' ? model : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    rateLimits: rateLimits === undefined ? undefined : rateLimitsOf(rateLimits),
    ...(citations !== undefined && { citations: citationsOf(citations) }),
    ...(serverToolCalls !== undefined && { serverToolCalls: serverToolCallsOf(serverToolCalls) }),
    ...(cached === true && { cached }),
  };
}

function answerInWords(answer: unknown): string {
  if (answer === undefined || answer === null) return `${answer}`;
  if (typeof answer !== 'object') return `a ${typeof answer}`;
  const names = Object.keys(answer).slice(0, 5).join(', ');
  return names === '' ? 'an object without fields' : `an object with ${names}`;
}

function withoutRunner({ model }: Task): RunnerError {
  const which = model === undefined ? 'a runner' : `a runner "${model}"`;
  return new RunnerError('invalid_request', `this worker does not have ${which}`);
}

function kindOf({ run, tool, command }: Task): InstrumentedAttempt['kind'] {
  if (run !== undefined) return 'function';
  if (tool !== undefined) return 'tool';
  return command === undefined ? 'runner' : 'command';
}

/**
 * A function that declares no parameter gets its inputs only if it looks at them after all: a record
 * by task ids is the costliest part of a small task.
 */
function inputsFor(run: NonNullable<Task['run']>, attempt: ActiveAttempt): Inputs {
  const { dependencies } = attempt.task;
  if (run.length > 0 || dependencies === undefined || dependencies.length === 0) {
    return attempt.inputs;
  }
  return lazyInputs(attempt);
}

const lazyInputs = lazyRecords((attempt: ActiveAttempt) => attempt.inputs);
