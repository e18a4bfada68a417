import type { TaskOutput, TaskRunner } from '../contract/runner.js';
import { readAnswer } from '../contract/runner-output.js';
import type { Task } from '../contract/task.js';
import type { Inputs } from '../state/inputs.js';
import { lazyRecord } from '../util/lazy-record.js';
import type { Attempt } from './attempt.js';
import { bindTool } from './tool-call.js';
import type { Toolbox } from './tool-registry.js';
import type { WireAttempt } from './wire-attempt.js';

/** Carries out single attempts: calls the task's function, or asks the runner. */
export class Worker {
  readonly #runner: TaskRunner | undefined;
  readonly #toolbox: Toolbox;

  constructor(runner: TaskRunner | undefined, toolbox: Toolbox) {
    this.#runner = runner;
    this.#toolbox = toolbox;
  }

  /** Whether an attempt goes to the runner; it then returns a `TaskOutput` and not an output alone. */
  isRequest({ task }: Attempt | WireAttempt): boolean {
    return task.run === undefined;
  }

  /** Returns or resolves to the output of the task's function, or to the `TaskOutput` of the runner. */
  perform(attempt: Attempt | WireAttempt): unknown {
    const { task } = attempt;
    const { run } = task;
    return run === undefined ? this.#ask(attempt) : run(inputsFor(run, attempt), attempt);
  }

  async #ask(attempt: Attempt | WireAttempt): Promise<TaskOutput> {
    const runner = this.#runner as TaskRunner;
    const tools = this.#toolbox.of(attempt.task);
    const bound = tools.map((tool) => bindTool(tool, attempt));
    return readAnswer(runner.name, await runner.run(attempt.requestWith(bound), attempt));
  }
}

/**
 * A function that declares no parameter gets its inputs only if it looks at them after all: a record
 * by task ids is the costliest part of a small task.
 */
function inputsFor(run: NonNullable<Task['run']>, attempt: Attempt | WireAttempt): Inputs {
  if (run.length > 0 || attempt.task.dependencies === undefined) return attempt.inputs;
  return lazyRecord(() => ({ ...attempt.inputs }));
}
