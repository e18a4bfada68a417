import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plan } from '@stratagem/core';
import { UsageError } from '../options/usage-error.js';
import { describeLoadError } from './load-error.js';

/**
 * Loads the plans of a module: everything it exports that is a plan, or a list of plans.
 *
 * @throws {UsageError} when the module cannot be loaded, or exports no plan.
 */
export async function loadPlans(file: string): Promise<Plan[]> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw new UsageError(`--plans: cannot load ${file}: ${describeLoadError(error)}`, {
      cause: error,
    });
  }
  const plans = [...new Set(Object.values(module).flat())].filter(isPlan);
  if (plans.length > 0) return plans;
  throw new UsageError(
    `--plans: ${file} exports no plan; export what createPlan() returns, or a list of it`,
  );
}

function isPlan(value: unknown): value is Plan {
  const { goal, tasks } = Object(value) as { readonly goal?: unknown; readonly tasks?: unknown };
  return typeof goal === 'string' && Array.isArray(tasks);
}
