/**
 * Whether `fetch` could not connect, or lost the connection. The Fetch standard gives these errors
 * neither a class nor a code: only a `TypeError`, whose words differ between platforms. Node adds a
 * cause with a system code, but not to every failure, and browsers add none. So the words decide.
 */
export function isFetchFailure(thrown: unknown): boolean {
  try {
    return thrown instanceof TypeError && FETCH_FAILURES.includes(thrown.message);
  } catch {
    return false; // A proxy may throw.
  }
}

const FETCH_FAILURES = ['fetch failed', 'terminated', 'Failed to fetch', 'Load failed'];
