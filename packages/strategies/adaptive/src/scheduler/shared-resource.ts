import type { SharedResource } from './lane.js';

/**
 * By server, and by the name of the resource and the options of the strategy. The schedulers of runs keep the
 * resources in memory; nothing is kept here once they are gone.
 */
const RESOURCES = new WeakMap<object, Map<string, WeakRef<SharedResource>>>();

/**
 * The resource of the runs that are under way at a server, or else `own`: a run that has ended leaves nothing.
 * Runs that are over leave theirs; one that continues comes back through this function.
 */
export function sharedResource(
  server: object,
  key: string,
  own: () => SharedResource,
): SharedResource {
  const known = RESOURCES.get(server) ?? new Map<string, WeakRef<SharedResource>>();
  RESOURCES.set(server, known);
  const shared = known.get(key)?.deref();
  for (const lane of shared?.lanes ?? []) if (lane.isOver) lane.leave();
  if (shared !== undefined && shared.lanes.size > 0) return shared;
  const resource = own();
  known.set(key, new WeakRef(resource));
  return resource;
}
