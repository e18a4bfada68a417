/**
 * Removes all items of a list that is filled again soon, without freeing its memory. `length = 0`
 * frees it, and allocating it again for each task took a tenth of a run.
 */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
