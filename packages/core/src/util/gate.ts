/** Holds up those who bring more than is taken, until it has been. */
export class Floodgate {
  #held: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Whether somebody is held up. */
  get isClosed(): boolean {
    return this.#held !== undefined;
  }

  /** Fulfilled when it is opened. */
  close(): Promise<void> {
    this.#held ??= resolvable();
    return this.#held.promise;
  }

  open(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }
}

function resolvable(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
