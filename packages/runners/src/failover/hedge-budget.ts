/** What quiet times may save up, so that a bad moment of the server is not met with a crowd. */
const MOST_SAVED = 10;

/** Bounds what is done besides to a share of what is done: each request earns a part of another. */
export class ExtraShare {
  readonly #share: number;
  #credit = 0;

  /** @param share Above 0, and 1 at most. */
  constructor(share: number) {
    this.#share = share;
  }

  earn(): void {
    this.#credit = Math.min(MOST_SAVED, this.#credit + this.#share);
  }

  /** @returns Whether there was enough for one more request, which is then spent. */
  spend(): boolean {
    // Sums of fractions are not exact: ten tenths are a little less than one.
    if (this.#credit < 1 - 1e-9) return false;
    this.#credit -= 1;
    return true;
  }
}
