/** Whether a value can be awaited for another one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * Whether an answer that was needed at once is a promise instead. That nobody waits for it must not
 * end the process when it rejects.
 */
export function isLate(answer: unknown): boolean {
  if (!isThenable(answer)) return false;
  Promise.resolve(answer).catch(() => {});
  return true;
}
