/** SQLite's primary result code for a file that another connection has locked. */
const BUSY = 5;
/** How long to wait, all in all, while another process writes. */
const PATIENCE_MS = 10_000;
/** The longest pause between two tries. */
const MAX_PAUSE_MS = 25;

/** Whether another process has locked the file. */
export function isBusy(thrown: unknown): boolean {
  return ((thrown as { errcode?: number } | undefined)?.errcode ?? 0) % 256 === BUSY;
}

/**
 * Calls the function again while another process has locked the file, for ten seconds. SQLite itself
 * would wait within the call, and the program would stand still.
 */
export async function whileBusy<Result>(work: () => Result): Promise<Result> {
  const until = performance.now() + PATIENCE_MS;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return work();
    } catch (thrown) {
      if (!isBusy(thrown) || performance.now() >= until) throw thrown;
    }
    // Processes that wait for each other must not try in step.
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
}

/** Resolves in a later turn of the event loop, after timers and other pending work. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
