const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;

/**
 * Does work until it succeeds, as long as it is wanted: a server that restarts is back in a moment.
 *
 * @throws the last error, when it is no longer wanted or the time is over.
 */
export async function retrying<Result>(
  work: () => Promise<Result>,
  forMs: number,
  isWanted: (error: unknown) => boolean,
): Promise<Result> {
  const until = performance.now() + forMs;
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isWanted(error) || performance.now() >= until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
