/** How far an answer has come. */
interface AnswerProgress {
  /** Whether the answer is complete: a stream that breaks now takes nothing away from it. */
  readonly isComplete: () => boolean;
  /** Whether nothing follows. Some proxies keep the connection open. */
  readonly isOver?: (() => boolean) | undefined;
}

/**
 * Takes the events of an answer one by one, and waits while the reader of its text is behind.
 *
 * @param arrivals The events that arrived together, each time. Some servers send null.
 * @param take Returns a promise while the reader is behind.
 */
export async function takeEvents<Event>(
  arrivals: AsyncIterable<readonly Event[]> | Iterable<readonly Event[]>,
  take: (event: NonNullable<Event>) => Promise<void> | undefined,
  progress: AnswerProgress,
): Promise<void> {
  try {
    for await (const events of arrivals) {
      for (const event of events) {
        const behind = event == null ? undefined : take(event);
        if (behind !== undefined) await behind;
      }
      if (progress.isOver?.()) break;
    }
  } catch (thrown) {
    if (!progress.isComplete() || !isBroken(thrown)) throw thrown;
  }
}

/** Whether a stream broke, or what it holds is no JSON. */
function isBroken(thrown: unknown): boolean {
  return thrown instanceof SyntaxError || thrown instanceof TypeError;
}
