import type { TaskRunner } from '@stratagem/core';
import { OptionError } from '@stratagem/core/runner';

/** @throws {OptionError} when the value is not a runner. */
export function checkRunner(owner: string, argument: string, runner: unknown): void {
  const { run, name } = (runner ?? {}) as Partial<TaskRunner>;
  if (typeof run !== 'function' || typeof name !== 'string') {
    throw new OptionError(`${owner}: ${argument} must be a TaskRunner, such as openai()`);
  }
}

/** The properties of a wrapper around one runner: those of the runner, except `run`. */
export function propertiesOf({
  name,
  resource,
  settings,
  readsInputs,
  supportsTools = false,
  supportedOptions,
  pricing,
  check,
  cached,
}: TaskRunner): Omit<TaskRunner, 'run'> {
  return {
    name,
    ...(resource !== undefined && { resource }),
    ...(settings !== undefined && { settings }),
    ...(readsInputs !== undefined && { readsInputs }),
    supportsTools,
    ...(supportedOptions !== undefined && { supportedOptions }),
    ...(pricing !== undefined && { pricing }),
    ...(check !== undefined && { check }),
    ...(cached !== undefined && { cached }),
  };
}
