/** When the run was down. The time that was spent down is no part of anything that was under way. */
export class Downtimes {
  readonly #ends: { readonly at: number; readonly downtimeMs: number }[] = [];

  get isEmpty(): boolean {
    return this.#ends.length === 0;
  }

  /** The run was resumed at this time, in Unix milliseconds. */
  add(at: number, downtimeMs: number): void {
    this.#ends.push({ at, downtimeMs });
  }

  /** A time on the clock as it is now, which stood still while the run was down. */
  shifted(at: number): number {
    let shifted = at;
    for (const end of this.#ends) if (end.at > at) shifted += end.downtimeMs;
    return shifted;
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    return { ends: this.#ends };
  }
}
