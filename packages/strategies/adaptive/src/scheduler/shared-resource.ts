import type { StrategySwitch } from '@stratagem/core';
import type { Controller } from './controller.js';
import type { SharedResource } from './lane.js';

/**
 * By server, and by the name of the resource and the options of the strategy. The schedulers of runs keep the
 * resources in memory; nothing is kept here once they are gone.
 */
const RESOURCES = new WeakMap<object, Map<string, WeakRef<SharedResource>>>();

/** The resource of runs that are under way, or a new one: a run that has ended leaves nothing. */
export function sharedResource(
  server: object,
  key: string,
  createController: (report: (change: StrategySwitch) => void) => Controller,
): SharedResource {
  const known = RESOURCES.get(server) ?? new Map<string, WeakRef<SharedResource>>();
  RESOURCES.set(server, known);
  const shared = known.get(key)?.deref();
  if (shared !== undefined && [...shared.lanes].some(({ isOver }) => !isOver)) return shared;
  const resource: SharedResource = {
    controller: createController((change) => resource.report(change)),
    lanes: new Set(),
    report: () => {},
  };
  known.set(key, new WeakRef(resource));
  return resource;
}
