import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TaskRunner } from '@stratagem/core';
import { describe } from '@stratagem/core/runner';
import { UsageError } from '../options/usage-error.js';
import { describeLoadError } from './load-error.js';

/**
 * Loads a runner of the user's own from a module. It exports the runner, or a function that returns it,
 * as `runner` or by default.
 *
 * @throws {UsageError} when the module cannot be loaded, or exports no runner.
 */
export async function loadRunner(file: string): Promise<TaskRunner> {
  let module: { readonly runner?: unknown; readonly default?: unknown };
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw new UsageError(`--runner: cannot load ${file}: ${describeLoadError(error)}`, {
      cause: error,
    });
  }
  const exported = module.runner ?? module.default;
  const runner =
    typeof exported === 'function' ? await create(file, exported as () => unknown) : exported;
  if (isRunner(runner)) return runner;
  throw new UsageError(
    `--runner: ${file} exports no runner; export an object with a name and run(), ` +
      'or a function that returns one, as `runner` or by default',
  );
}

async function create(file: string, factory: () => unknown): Promise<unknown> {
  try {
    return await factory();
  } catch (error) {
    const message = `--runner: the function that ${file} exports failed: ${describe(error)}`;
    throw new UsageError(message, { cause: error });
  }
}

function isRunner(value: unknown): value is TaskRunner {
  const { name, run } = Object(value) as Partial<TaskRunner>;
  return typeof name === 'string' && typeof run === 'function';
}
