import type { ForEach, ItemsSource } from '../src/contract/for-each.js';

/** The fan-out over another list. */
export function withItems(forEach: ForEach | undefined, items: ItemsSource): ForEach {
  if (typeof forEach !== 'object') return items;
  const { stream: _, ...limits } = forEach;
  return { ...limits, items };
}
