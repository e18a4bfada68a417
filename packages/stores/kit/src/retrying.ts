/** The first pause before a try is repeated; it doubles up to the second one. */
const MIN_PAUSE_MS = 25;
const MAX_PAUSE_MS = 1_000;

/** When to try again, and for how long. */
export interface Retries {
  /** How long to try, in milliseconds. */
  readonly forMs: number;
  /** @throws when nothing may be tried any more. */
  requireOpen(): void;
  /** Whether another try may succeed. */
  mayPass(thrown: unknown): boolean;
  /** The error of the last try, for the caller. */
  toError(thrown: unknown): Error;
}

/** Calls the function again while it fails with errors that may pass. */
export async function retrying<Result>(
  work: () => Promise<Result>,
  { forMs, requireOpen, mayPass, toError }: Retries,
): Promise<Result> {
  const until = performance.now() + forMs;
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    requireOpen();
    try {
      return await work();
    } catch (thrown) {
      requireOpen();
      if (performance.now() >= until || !mayPass(thrown)) throw toError(thrown);
    }
    // Processes that lost the same server must not come back in step.
    await sleep(pauseMs * (0.5 + Math.random() / 2));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
