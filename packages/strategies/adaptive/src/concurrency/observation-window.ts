/** How much of the limit must be in flight for it to be reached. */
const NEARLY = 0.9;

/**
 * Counts what is heard of requests: that they are answered, or that a stretch of text has come. Of what
 * was sent under another limit, that says little about this one.
 */
export class ObservationWindow {
  answers = 0;
  /** Answers and stretches of text. */
  heard = 0;
  /** What `heard` was when the limit was changed, */
  #changedAt = 0;
  /** and when about as many were in flight. */
  #from = 0;
  #answersThen = 0;
  #isReached = false;

  /** Whether text comes while it is written. */
  get isWritten(): boolean {
    return this.heard > 2 * this.answers;
  }

  /** Whether the limit has been changed. */
  get isChanged(): boolean {
    return this.#changedAt > 0;
  }

  /** Whether as many have been in flight as the limit lets. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Since the limit was changed. */
  get sinceChange(): number {
    return this.heard - this.#changedAt;
  }

  /** Since about as many were in flight as the limit lets. */
  get since(): number {
    return this.heard - this.#from;
  }

  /** Answers since then. */
  get answersSince(): number {
    return this.answers - this.#answersThen;
  }

  /** @param held How many were in flight. */
  came(isAnswer: boolean, held: number, limit: number): void {
    if (isAnswer) this.answers++;
    this.heard++;
    // Those that are too many go on to slow down the others.
    if (held > limit) this.#begin();
    if (this.#isReached || held <= NEARLY * limit) return;
    this.#isReached = true;
    // What is written by those in flight already says nothing about those to come.
    if (this.isWritten) this.#from = this.heard;
  }

  /** The limit is another one. */
  changed(): void {
    this.#begin();
    this.#changedAt = this.heard;
    this.#isReached = false;
  }

  #begin(): void {
    this.#from = this.heard;
    this.#answersThen = this.answers;
  }
}
