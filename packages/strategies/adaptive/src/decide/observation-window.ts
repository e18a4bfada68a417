/** The limit counts as reached when this share of it is in flight. Whole answers take as long with 0.85 and 0.95. */
export const NEARLY = 0.9;

/**
 * Counts observations: answers, and segments of text. An observation of a request that was sent under
 * an earlier limit says little about the current limit.
 */
export class ObservationWindow {
  answers = 0;
  /** Answers and segments of text. */
  observations = 0;
  /** The number of observations when the limit changed, */
  #changedAt = 0;
  /** and when the number in flight had adjusted to it. */
  #from = 0;
  #answersFrom = 0;
  /** Whether the number in flight has reached the current limit. */
  #isReached = false;

  /** Whether answers arrive as a stream of text. */
  get isStreaming(): boolean {
    return this.observations > 2 * this.answers;
  }

  /** Whether the limit has changed since the start of the run. */
  get isChanged(): boolean {
    return this.#changedAt > 0;
  }

  /** Observations since the limit changed. */
  get sinceChange(): number {
    return this.observations - this.#changedAt;
  }

  /** Observations since the number in flight adjusted to the limit. */
  get sinceAdjusted(): number {
    return this.observations - this.#from;
  }

  /** Answers since then. */
  get answersSinceAdjusted(): number {
    return this.answers - this.#answersFrom;
  }

  /** @param inFlight The number in flight at the time of the observation. */
  record(isAnswer: boolean, inFlight: number, limit: number): void {
    if (isAnswer) this.answers++;
    this.observations++;
    // Requests in excess of the limit still slow down the others.
    if (inFlight > limit) this.#begin();
    if (this.#isReached || inFlight <= NEARLY * limit) return;
    this.#isReached = true;
    // Earlier text came while fewer requests were in flight.
    if (this.isStreaming) this.#from = this.observations;
  }

  /** Starts a new window after a change of the limit. */
  restart(): void {
    this.#begin();
    this.#changedAt = this.observations;
    this.#isReached = false;
  }

  #begin(): void {
    this.#from = this.observations;
    this.#answersFrom = this.answers;
  }
}
