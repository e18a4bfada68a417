/** The most hedges saved up in quiet times, so that a slow server does not get twice the load. */
const MAX_SAVED = 10;

/** Limits hedged requests to a share of all requests: each request earns a fraction of a hedge. */
export class HedgeBudget {
  readonly #share: number;
  #credit = 0;

  /** @param share Above 0, and at most 1. */
  constructor(share: number) {
    this.#share = share;
  }

  earn(): void {
    this.#credit = Math.min(MAX_SAVED, this.#credit + this.#share);
  }

  /** @returns Whether the budget covers one more request; if so, it is spent. */
  spend(): boolean {
    // Ten times a tenth is slightly less than one in floating point.
    if (this.#credit < 1 - 1e-9) return false;
    this.#credit -= 1;
    return true;
  }
}
