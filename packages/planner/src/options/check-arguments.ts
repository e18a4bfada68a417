import { OptionError, type TaskRunner } from '@stratagem/core';

/** @throws {OptionError} unless the goal has text in it. */
export function checkGoal(owner: string, goal: string): void {
  if (typeof goal === 'string' && goal.trim() !== '') return;
  throw new OptionError(`${owner}: the goal must be a non-empty string`);
}

/**
 * @param name The option that holds the runner.
 * @throws {OptionError} unless it has the shape of a runner.
 */
export function checkRunner(owner: string, name: string, runner: TaskRunner): void {
  if (typeof runner?.run === 'function' && typeof runner.name === 'string') return;
  throw new OptionError(`${owner}: ${name} must be a TaskRunner, such as openai() or simulated()`);
}
