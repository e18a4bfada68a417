import { RunnerError } from '../contract/errors.js';
import type { Instrumentation, InstrumentedAttempt } from '../contract/instrumentation.js';
import type { AttemptResult, TaskRunner } from '../contract/runner.js';
import { readAnswer } from '../contract/runner-output.js';
import { asksModel, type Task } from '../contract/task.js';
import type { RequestTool } from '../contract/tool.js';
import type { Inputs } from '../state/inputs.js';
import { lazyRecords } from '../util/lazy-record.js';
import type { Attempt } from './attempt.js';
import { bindTool } from './bind-tool.js';
import type { Runners } from './runners.js';
import type { Toolbox } from './tool-registry.js';
import type { WireAttempt } from './wire-attempt.js';

const NO_TOOLS: readonly RequestTool[] = [];

/** Carries out single attempts: calls the task's function, or asks the runner. */
export class Worker {
  readonly #runners: Runners;
  readonly #toolbox: Toolbox;

  readonly #instrumentation: Instrumentation | undefined;

  constructor(runners: Runners, toolbox: Toolbox, instrumentation?: Instrumentation) {
    this.#runners = runners;
    this.#toolbox = toolbox;
    this.#instrumentation = instrumentation;
  }

  /** Returns what the function of the task, or the runner, returns. */
  perform(attempt: Attempt | WireAttempt): unknown {
    const instrumentation = this.#instrumentation;
    if (instrumentation === undefined) return this.#perform(attempt);
    return instrumentation.attempt(this.#describe(attempt), () => this.#perform(attempt));
  }

  #describe(attempt: Attempt | WireAttempt): InstrumentedAttempt {
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

  #perform(attempt: Attempt | WireAttempt): unknown {
    const { task } = attempt;
    const { run } = task;
    if (run !== undefined) return run(inputsFor(run, attempt), attempt);
    if (!asksModel(task)) return this.#runStep(attempt);
    const tools =
      task.tools === undefined
        ? NO_TOOLS
        : this.#toolbox.of(task).map((tool) => bindTool(tool, attempt));
    const request = this.#runners.requestFor(attempt.requestWith(tools));
    return this.#runnerOf(task).run(request, attempt);
  }

  /**
   * The result of an attempt, of what `perform` returned or resolved to.
   *
   * @throws {RunnerError} `invalid_output` when a runner answered with something else.
   */
  resultOf({ task }: Attempt | WireAttempt, value: unknown): AttemptResult {
    if (!asksModel(task)) return { output: value };
    const { name } = this.#runners.of(task) as TaskRunner;
    return readAnswer(name, value);
  }

  async #runStep(attempt: Attempt | WireAttempt): Promise<unknown> {
    const { step } = attempt;
    // Loaded by the first step, as most plans have none.
    const { runCommand, runTool } = await import('./run-step.js');
    if (step.kind === 'command') return runCommand(step.command, this.#toolbox.commands, attempt);
    return runTool(this.#toolbox.called(attempt.task), step, attempt);
  }

  #runnerOf(task: Task): TaskRunner {
    const runner = this.#runners.of(task);
    if (runner !== undefined) return runner;
    const which = task.model === undefined ? 'a runner' : `a runner "${task.model}"`;
    throw new RunnerError('invalid_request', `this worker does not have ${which}`);
  }
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
function inputsFor(run: NonNullable<Task['run']>, attempt: Attempt | WireAttempt): Inputs {
  if (run.length > 0 || attempt.task.dependencies === undefined) return attempt.inputs;
  return lazyInputs(attempt);
}

const lazyInputs = lazyRecords((attempt: Attempt | WireAttempt) => attempt.inputs);
