/** Makes producers wait while consumers are behind. */
export class Floodgate {
  #held: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Whether producers have to wait. */
  get isClosed(): boolean {
    return this.#held !== undefined;
  }

  /** Closes the gate; the promise is fulfilled when it opens. */
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
