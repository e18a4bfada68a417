import { RunnerError } from '../contract/errors.js';
import type { Instrumentation, InstrumentedAttempt } from '../contract/instrumentation.js';
import type { AttemptResult } from '../contract/runner.js';
import { readAnswer } from '../contract/runner-output.js';
import type { Task } from '../contract/task.js';
import type { RequestTool } from '../contract/tool.js';
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
    let value: unknown;
    let isLate = false;
    let failure: { readonly error: unknown } | undefined;
    attempt.isAwaited = true;
    try {
      value =
        instrumentation === undefined
          ? this.#perform(attempt)
          : instrumentation.attempt(this.#describe(attempt), () => this.#perform(attempt));
      isLate = isThenable(value);
    } catch (error) {
      failure = { error };
    }
    if (!isLate) {
      // What it reported meanwhile may have aborted it.
      if (!attempt.isAwaited) this.#aborted.delete(attempt);
      attempt.isAwaited = false;
      if (failure === undefined) this.#report(attempt, value);
      else attempt.tell({ type: 'failed', ...failure });
      return;
    }
    const awaited = value as PromiseLike<unknown>;
    if (!this.#isReporting) void this.#runLane(attempt, awaited);
    else {
      const before = this.#next;
      if (before !== undefined) void this.#runLane(before, this.#nextValue as typeof awaited);
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
      let settled: unknown;
      let hasFailed = false;
      try {
        settled = await awaited;
      } catch (error) {
        settled = error;
        hasFailed = true;
      }
      // Otherwise it was canceled, and nobody waits for it.
      if (attempt.isAwaited) {
        attempt.isAwaited = false;
        this.#isReporting = true;
        if (hasFailed) attempt.tell({ type: 'failed', error: settled });
        else this.#report(attempt, settled);
        this.#isReporting = false;
      } else if (this.#aborted.delete(attempt) && this.#aborted.size === 0) {
        this.#onLastEnd?.();
      }
      attempt = this.#next;
      awaited = this.#nextValue;
      this.#next = this.#nextValue = undefined;
    }
  }

  /** Reports what an attempt has returned, or resolved to. What is no answer of a runner has failed. */
  #report(attempt: ActiveAttempt, value: unknown): void {
    const { runner } = attempt;
    let result: AttemptResult;
    try {
      result = runner === undefined ? { output: value } : readAnswer(runner.name, value);
    } catch (error) {
      attempt.tell({ type: 'failed', error });
      return;
    }
    attempt.complete(result);
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
