import { checkFlag, checkLimit, checkOptions } from './check-options.js';
import { OptionError, show } from './errors.js';

/** How many attempts may use one resource at once; see `TaskRunner.resource`. */
export interface ResourceLimit {
  /** The maximum number of attempts in flight at the resource: an integer ≥ 1, or Infinity. */
  readonly maxParallel: number;
  /**
   * Count the attempts against this cap alone, and not against the `maxParallel` of the run or the
   * executor. For slow work that needs nothing but patience, such as a batch job: it leaves all places
   * to other tasks.
   * @default false
   */
  readonly separate?: boolean | undefined;
}

/** The limits of resources by name, such as `openai/gpt-5`. Tasks with a `run` function use `function`. */
export type ResourceLimits = Readonly<Record<string, ResourceLimit>>;

/**
 * @param owner The function that received the limits, for messages.
 * @throws {OptionError} when a limit is invalid.
 */
export function checkResources(owner: string, resources: ResourceLimits): void {
  if (typeof resources !== 'object' || resources === null || Array.isArray(resources)) {
    const message = `resources must be an object of limits by resource; it is ${show(resources)}`;
    throw new OptionError(`${owner}: ${message}`);
  }
  for (const [name, limit] of Object.entries(resources)) {
    const place = `${owner}: resources[${JSON.stringify(name)}]`;
    checkOptions(place, limit, ['maxParallel', 'separate']);
    checkLimit(place, 'maxParallel', limit.maxParallel);
    if (limit.separate !== undefined) checkFlag(place, 'separate', limit.separate);
  }
}
