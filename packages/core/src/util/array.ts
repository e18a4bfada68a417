/**
 * Takes everything out of a list that is filled again soon, and keeps its room. With `length = 0` a
 * list gives it back and asks for it again, once a task: that took a tenth of a run.
 */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
