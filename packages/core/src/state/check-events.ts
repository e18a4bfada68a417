import { OptionError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';

/**
 * The events of a run as a list.
 *
 * @throws {OptionError} when the value is no iterable of events.
 */
export function listOfEvents(owner: string, events: Iterable<RunEvent>): RunEvent[] {
  const isIterable = typeof Object(events)[Symbol.iterator] === 'function';
  const list = isIterable ? [...events] : [undefined];
  if (list.every((event) => typeof event?.type === 'string')) return list as RunEvent[];
  throw new OptionError(`${owner} takes the events of a run, such as result.timeline`);
}
