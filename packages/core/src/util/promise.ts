/** Whether a value can be awaited for another one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * Whether the result of a synchronous function is a promise by mistake. Handles its rejection, which
 * would end the process otherwise.
 */
export function isLate(answer: unknown): boolean {
  if (!isThenable(answer)) return false;
  Promise.resolve(answer).catch(() => {});
  return true;
}
