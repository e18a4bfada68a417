import { OptionError, resourceOf, type Task, type TaskRunner } from '@stratagem/core';

/** @throws {OptionError} when it is no runner. */
export function checkRunner(owner: string, what: string, runner: unknown): void {
  const { run, name } = (runner ?? {}) as Partial<TaskRunner>;
  if (typeof run !== 'function' || typeof name !== 'string') {
    throw new OptionError(`${owner}: ${what} must be a TaskRunner, such as openai()`);
  }
}

/** What to call a runner among others: providers say there which model it is. */
export function labelOf({ name, resource }: TaskRunner): string {
  return typeof resource === 'string' ? resource : name;
}

type Description = Pick<TaskRunner, 'name' | 'resource' | 'supportsTools' | 'settings'>;

/**
 * What a wrapper says of itself that does each attempt with one or more of these runners. They are
 * a resource of their own: that one of them is asked to wait is no reason to let the others wait.
 */
export function descriptionOf(wrapper: string, runners: readonly TaskRunner[]): Description {
  const named = (labels: readonly string[]) => `${wrapper}(${[...new Set(labels)].join(', ')})`;
  const depends = runners.some(({ resource }) => typeof resource === 'function');
  return {
    name: named(runners.map(({ name }) => name)),
    resource: depends
      ? (task: Task) => named(runners.map((runner) => resourceOf(runner, task)))
      : named(runners.map(labelOf)),
    supportsTools: runners.every(({ supportsTools }) => supportsTools === true),
    settings: { [wrapper]: runners.map(identityOf) },
  };
}

/** What decides on the answers of a runner, as plain data. */
export function identityOf({ name, settings }: TaskRunner): Record<string, unknown> {
  return { name, ...(settings !== undefined && { settings }) };
}
