import type { ResourceLimits, Task, TaskOptions, TaskRequest, TaskRunner } from '@stratagem/core';
import { OptionError } from '@stratagem/core';
import { resourceOf, TASK_OPTIONS } from '@stratagem/core/runner';

/** Requests that may wait for the jobs of a Batch API at the same time. */
const MAX_WAITING = 50_000;

/** Runners with a lane for a Batch API, and places for it that take none from other tasks. */
export interface Lanes {
  readonly runner: TaskRunner;
  readonly resources: ResourceLimits;
}

/**
 * A runner that sends through a Batch API what it can carry out: tasks without tools and without options
 * that it does not honour. All others go to the live runner.
 *
 * @throws {OptionError} when the batch runner has no resource of its own.
 */
export function batchLane(live: TaskRunner, batch: TaskRunner): Lanes {
  const { resource } = batch;
  if (typeof resource !== 'string' || resource === live.resource) {
    throw new OptionError(
      'mapDataset(): batch must be a runner over a Batch API, such as openaiBatch()',
    );
  }
  const isForBatch = (options: TaskOptions, toolCount: number) =>
    toolCount === 0 && isHonoured(options, batch.supportedOptions ?? []);
  const laneOf = ({ options = {}, tools = [] }: TaskRequest) =>
    isForBatch(options, tools.length) ? batch : live;
  const runner: TaskRunner = {
    ...live,
    resource: (task: Task) =>
      isForBatch(task, task.tools?.length ?? 0) ? resource : resourceOf(live, task),
    async check() {
      await live.check?.();
      await batch.check?.();
    },
    cached: async (request) => laneOf(request).cached?.(request),
    run: (request, context) => laneOf(request).run(request, context),
  };
  return { runner, resources: { [resource]: { maxParallel: MAX_WAITING, separate: true } } };
}

function isHonoured(options: TaskOptions, supported: readonly string[]): boolean {
  return TASK_OPTIONS.every((name) => {
    const value = options[name];
    if (value === undefined) return true;
    if (name !== 'providerOptions') return supported.includes(name);
    return Object.keys(value as object).every((provider) =>
      supported.includes(`providerOptions.${provider}`),
    );
  });
}
