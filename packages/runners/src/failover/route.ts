import {
  checkOptions,
  describe,
  OptionError,
  RunnerError,
  resourceOf,
  type Task,
  type TaskRunner,
  type TaskType,
} from '@stratagem/core';
import { checkRunner, descriptionOf, identityOf } from './composite.js';

/** What a route may depend on: what is known of a task before it starts as well as when it does. */
export interface Routed {
  readonly id: string;
  readonly type: TaskType;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Routes by a key that a function gives. */
export interface RouteOptions {
  /**
   * Gives the key of a task's route; undefined for the default. Asked more than once for a task,
   * so the same task must get the same key.
   */
  readonly by: (task: Routed) => unknown;
  /** The runners by their keys. */
  readonly routes: Readonly<Record<string, TaskRunner>>;
  /**
   * For tasks without a key. A key that has no route is an error all the same: it is mistyped.
   * @default such tasks fail
   */
  readonly default?: TaskRunner;
}

/** Routes by the type of the task. */
export interface TypeRouteOptions {
  readonly by: 'type';
  readonly routes: Readonly<Partial<Record<TaskType, TaskRunner>>>;
  /**
   * For the types that have no route.
   * @default tasks of those types fail
   */
  readonly default?: TaskRunner;
}

const TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/**
 * Has each task done by the runner that is meant for it: by its type, its metadata, or anything
 * else that is known of it beforehand. Strategies, limits and pauses see the resource of that runner.
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
 * const runner = route({ by: 'type', routes: { decision: anthropic() }, default: openai() });
 */
export function route(options: RouteOptions | TypeRouteOptions): TaskRunner {
  checkOptions('route()', options, ['by', 'routes', 'default']);
  const { by, default: fallThrough } = options;
  const routes = checkRoutes(options);
  if (fallThrough !== undefined) checkRunner('route()', 'default', fallThrough);
  const others = fallThrough === undefined ? [] : [fallThrough];
  const keyOf = by === 'type' ? keyByType(routes) : by;

  /** @throws {RunnerError} when there is none. */
  const runnerFor = (task: Routed): TaskRunner => {
    const key = keyGivenBy(keyOf, task);
    const runner = key === undefined ? fallThrough : routes.get(key);
    if (runner !== undefined) return runner;
    const keys = [...routes.keys()].join(', ');
    const missing =
      key === undefined
        ? 'it has no key for route(), which has no default'
        : `route() has no route "${key}"`;
    throw new RunnerError('invalid_request', `${missing}. There are ${keys}.`);
  };

  const description = descriptionOf('route', [...routes.values(), ...others]);
  return {
    ...description,
    settings: {
      routes: Object.fromEntries([...routes].map(([key, runner]) => [key, identityOf(runner)])),
      ...(fallThrough !== undefined && { default: identityOf(fallThrough) }),
    },
    resource(task) {
      try {
        return resourceOf(runnerFor(routedOf(task)), task);
      } catch {
        // The attempt will say what is wrong.
        return description.name;
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

/** A map, as the keys of an object include those of every object. */
function checkRoutes({ by, routes }: RouteOptions | TypeRouteOptions): Map<string, TaskRunner> {
  if (by !== 'type' && typeof by !== 'function') {
    throw new OptionError(`route(): by must be 'type' or a function that gives a key`);
  }
  if (typeof routes !== 'object' || routes === null || Object.keys(routes).length === 0) {
    throw new OptionError('route(): routes must be an object of at least one runner by its key');
  }
  if (by === 'type') checkOptions('route(): routes by type', routes, TYPES);
  const given = Object.entries(routes).filter(([, runner]) => runner !== undefined);
  for (const [key, runner] of given) checkRunner('route()', `the route "${key}"`, runner);
  return new Map(given as [string, TaskRunner][]);
}

/** There are no mistyped types, so those without a route are the others. */
function keyByType(routes: ReadonlyMap<string, TaskRunner>): (task: Routed) => unknown {
  return ({ type }) => (routes.has(type) ? type : undefined);
}

function keyGivenBy(by: (task: Routed) => unknown, task: Routed): string | undefined {
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
  const message = `by() of route() must give a text, a number or a boolean; its type is ${typeof key}`;
  throw new RunnerError('invalid_request', message);
}
