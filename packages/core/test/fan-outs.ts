import type { ItemResult, Task } from '../src/index.js';

export const listOf = (items: unknown): Task => ({ id: 'list', run: () => items });

/** A fan-out over the output of `list`. */
export const each = (more: Partial<Task> = {}): Task => ({
  id: 'each',
  dependencies: ['list'],
  forEach: 'list',
  ...(more.subtasks === undefined && { run: ({ item }) => item }),
  ...more,
});

/** The body of an element's task that fails for odd numbers. */
export function even({ item }: { item: number }): number {
  if (item % 2 === 1) throw new Error(`${item} is odd`);
  return item;
}

/** The outputs of the elements that completed. */
export function succeeded(results: unknown): unknown[] {
  return (results as ItemResult[]).map((each) => (each.status === 'completed' ? each.output : 'X'));
}
