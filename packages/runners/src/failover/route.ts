import type { Task, TaskRunner, TaskType } from '@stratagem/core';
import {
  checkOptions,
  describe,
  OptionError,
  RunnerError,
  resourceOf,
} from '@stratagem/core/runner';
import { checkRunner } from '../util/wrapped.js';
import { compositeProperties, identityOf } from './composite.js';

/** The properties of a task that a route may depend on; they are known before the task starts. */
export interface Routed {
  readonly id: string;
  readonly type: TaskType;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Routes by a key that a function returns. */
export interface RouteOptions {
  /**
   * Returns the key of a task's route; undefined for the default. It is called more than once for a
   * task, so it must return the same key for the same task.
   */
  readonly by: (task: Routed) => unknown;
  /** The runners by their keys. */
  readonly routes: Readonly<Record<string, TaskRunner>>;
  /**
   * The runner for tasks without a key. A key without a route is still an error, most likely a typo.
   * @default tasks without a key fail
   */
  readonly default?: TaskRunner | undefined;
}

/** Routes by the type of the task. */
export interface TypeRouteOptions {
  readonly by: 'type';
  readonly routes: Readonly<Partial<Record<TaskType, TaskRunner>>>;
  /**
   * The runner for types without a route.
   * @default tasks of those types fail
   */
  readonly default?: TaskRunner | undefined;
}

const TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/**
 * Sends each task to a runner chosen by its id, type or metadata. Strategies, limits and pauses see
 * the resource of that runner. When it fails, no other runner is tried, unless it is a `fallback`.
 *
 * A task without a route fails as `invalid_request`.
 *
 * @throws {OptionError} when an option is unknown or of the wrong kind.
 *
 * @example
 * const runner = route({
 *   by: ({ metadata }) => metadata.model,
 *   routes: { fast: openai({ model: 'gpt-6.1-luna' }), deep: anthropic() },
 *   default: openai(),
 * });
 *
 * @example
 * // A prompt that is too long for the small model goes to the large one.
 * const fit = fallback([small, large], { on: ['context_length_exceeded'] });
 * const runner = route({ by: ({ metadata }) => metadata.size, routes: { small: fit, large } });
 *
 * @example
 * const runner = route({ by: 'type', routes: { decision: anthropic() }, default: openai() });
 */
export function route(options: RouteOptions | TypeRouteOptions): TaskRunner {
  checkOptions('route()', options, ['by', 'routes', 'default']);
  const { by, default: defaultRunner } = options;
  const routes = checkRoutes(options);
  if (defaultRunner !== undefined) checkRunner('route()', 'default', defaultRunner);
  const defaults = defaultRunner === undefined ? [] : [defaultRunner];
  const rawKeyOf = by === 'type' ? typeKey(routes) : by;

  /** @throws {RunnerError} when the task has no route. */
  const runnerFor = (task: Routed): TaskRunner => {
    const key = routeKey(rawKeyOf, task);
    const runner = key === undefined ? defaultRunner : routes.get(key);
    if (runner !== undefined) return runner;
    const keys = [...routes.keys()].join(', ');
    const missing =
      key === undefined
        ? 'the task has no key for route(), which has no default'
        : `route() has no route "${key}"`;
    throw new RunnerError('invalid_request', `${missing}. The routes are ${keys}.`);
  };

  const properties = compositeProperties('route', [...routes.values(), ...defaults]);
  return {
    ...properties,
    settings: {
      routes: Object.fromEntries([...routes].map(([key, runner]) => [key, identityOf(runner)])),
      ...(defaultRunner !== undefined && { default: identityOf(defaultRunner) }),
    },
    resource(task) {
      try {
        return resourceOf(runnerFor(routedOf(task)), task);
      } catch {
        // The attempt will fail with this error.
        return properties.name;
      }
    },
    async run(request, context) {
      const { taskId: id, type, metadata } = request;
      return runnerFor({ id, type, metadata }).run(request, context);
    },
  };
}

function routedOf({ id, type = 'action', metadata = {} }: Task): Routed {
  return { id, type, metadata };
}

/** The routes as a map, because an object also has inherited keys such as `constructor`. */
function checkRoutes({ by, routes }: RouteOptions | TypeRouteOptions): Map<string, TaskRunner> {
  if (by !== 'type' && typeof by !== 'function') {
    throw new OptionError(`route(): by must be 'type' or a function that returns a key`);
  }
  if (typeof routes !== 'object' || routes === null || Object.keys(routes).length === 0) {
    throw new OptionError('route(): routes must be an object with at least one runner');
  }
  if (by === 'type') checkOptions('route(): routes by type', routes, TYPES);
  const given = Object.entries(routes).filter(([, runner]) => runner !== undefined);
  for (const [key, runner] of given) checkRunner('route()', `the route "${key}"`, runner);
  return new Map(given as [string, TaskRunner][]);
}

/** The type of a task, as far as it has a route: a type without one goes to the default. */
function typeKey(routes: ReadonlyMap<string, TaskRunner>): (task: Routed) => unknown {
  return ({ type }) => (routes.has(type) ? type : undefined);
}

function routeKey(by: (task: Routed) => unknown, task: Routed): string | undefined {
  let key: unknown;
  try {
    key = by(task);
  } catch (cause) {
    throw new RunnerError('invalid_request', `by() of route() threw: ${describe(cause)}`, {
      cause,
    });
  }
  if (key === undefined || key === null) return undefined;
  if (['string', 'number', 'boolean'].includes(typeof key)) return String(key);
  const message = `by() of route() must return a string, number or boolean; it returned ${typeof key}`;
  throw new RunnerError('invalid_request', message);
}
