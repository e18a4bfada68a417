import type { TaskRunner } from '@stratagem/core';
import { resourceOf } from '@stratagem/core/runner';

/** A runner that differs from another one in its `run` alone. */
export function wrapRunner(runner: TaskRunner, run: TaskRunner['run']): TaskRunner {
  return {
    // A spread would lose what the class of a runner defines in its prototype.
    name: runner.name,
    resource: (task) => resourceOf(runner, task),
    ...(runner.settings !== undefined && { settings: runner.settings }),
    ...(runner.readsInputs !== undefined && { readsInputs: runner.readsInputs }),
    ...(runner.supportsTools !== undefined && { supportsTools: runner.supportsTools }),
    ...(runner.supportedOptions !== undefined && { supportedOptions: runner.supportedOptions }),
    ...(runner.pricing !== undefined && { pricing: runner.pricing }),
    run,
  };
}
