/** After how many rounds without a refusal more than were refused are tried. */
const RELAX = 2;

/** The most that a server has been found to take, by what it refused and what it lost. */
export class Ceiling {
  /** No more than so many at once. */
  value = Number.POSITIVE_INFINITY;
  /** Of more, some were not answered in time: that costs too much to be tried again. */
  #mostSafe: number;
  /** By how much it was raised last, and answers since that or a refusal. */
  #step = 0;
  #unrefused = 0;

  /** @param safe Of more, some were not answered in time in an earlier run. */
  constructor(safe = Number.POSITIVE_INFINITY) {
    this.value = safe;
    this.#mostSafe = safe;
  }

  /** What the next run is not to go beyond; undefined when nothing was lost. */
  get known(): number | undefined {
    return Number.isFinite(this.#mostSafe) ? this.#mostSafe : undefined;
  }

  /** A request was refused while so many others were in flight. */
  refused(inFlight: number): void {
    this.value = inFlight;
    this.#step = this.#unrefused = 0;
  }

  /** Requests were not answered in time that had started beside so many others, or more. */
  lost(beside: number): void {
    this.#mostSafe = Math.min(this.#mostSafe, beside);
    this.value = Math.min(this.value, beside);
  }

  /** A request was answered under a limit: more may be taken by now than were refused. */
  answered(limit: number): void {
    if (this.value >= this.#mostSafe || ++this.#unrefused < RELAX * limit) return;
    this.#unrefused = 0;
    this.#step = Math.max(1, 2 * this.#step);
    this.value = Math.min(this.#mostSafe, this.value + this.#step);
  }
}
