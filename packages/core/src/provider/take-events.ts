/** How far an answer has come. */
interface AnswerProgress {
  /** Whether the answer is complete: a stream that breaks now takes nothing away from it. */
  readonly isComplete: () => boolean;
  /** Whether its tokens have been counted, so that hardly anything follows. */
  readonly isCounted: () => boolean;
  /** Whether nothing follows. Some proxies keep the connection open. */
  readonly isOver?: (() => boolean) | undefined;
}

/** The events of an answer, those that arrived together each time. */
export interface Arrivals<Event> extends AsyncIterable<readonly Event[]> {
  /** Ends the events after this silence, in milliseconds; undefined while the answer is not complete. */
  expectEnd?(quietMs: number | undefined): void;
}

/** How long to wait for the counts of an answer that is complete. Some servers count for some 100 ms. */
const COUNTING_MS = 3_000;

/** How long to wait for the end of a stream that has nothing more to say. */
const ENDING_MS = 100;

/**
 * Takes the events of an answer one by one, and waits while the reader of its text is behind. An answer that
 * is complete ends after a short silence, even if the server neither says so nor closes the connection.
 *
 * @param arrivals Some servers send null as an event.
 * @param take Returns a promise while the reader is behind.
 */
export async function takeEvents<Event>(
  arrivals: Arrivals<Event> | Iterable<readonly Event[]>,
  take: (event: NonNullable<Event>) => Promise<void> | undefined,
  progress: AnswerProgress,
): Promise<void> {
  try {
    for await (const events of arrivals) {
      for (const event of events) {
        const behind = event == null ? undefined : take(event);
        if (behind !== undefined) await behind;
      }
      if ('expectEnd' in arrivals) arrivals.expectEnd?.(quietMsOf(progress));
      if (progress.isOver?.()) break;
    }
  } catch (thrown) {
    if (!progress.isComplete() || !isBroken(thrown)) throw thrown;
  }
}

function quietMsOf(progress: AnswerProgress): number | undefined {
  if (!progress.isComplete()) return undefined;
  return progress.isCounted() ? ENDING_MS : COUNTING_MS;
}

/** Whether a stream broke, or what it holds is no JSON. */
function isBroken(thrown: unknown): boolean {
  return thrown instanceof SyntaxError || thrown instanceof TypeError;
}
