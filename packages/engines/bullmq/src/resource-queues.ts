import { createHash } from 'node:crypto';

/** The name of the queue of a resource: any text names a resource, and few characters a queue. */
export function resourceQueue(queue: string, resource: string): string {
  if (resource === '') return queue;
  return `${queue}-${createHash('sha256').update(resource).digest('hex').slice(0, 20)}`;
}

/** The field of the main queue that says that a resource has a queue of its own. */
const FIELD = 'stratagem-resource ';

/** What to write into the main queue for a capped resource. */
export function resourceField(resource: string): string {
  return FIELD + resource;
}

/** The resources that have queues of their own. */
export function resourcesIn(meta: Readonly<Record<string, string>>): string[] {
  return Object.keys(meta).flatMap((field) =>
    field.startsWith(FIELD) ? field.slice(FIELD.length) : [],
  );
}
