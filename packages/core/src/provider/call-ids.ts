/** The longest id that every API accepts. */
const MAX_LENGTH = 64;

/**
 * The ids of the tool calls of one conversation. Some servers omit ids, or begin again with the same
 * ones in each answer; a result could then belong to several calls.
 *
 * @example
 * const ids = new CallIds();
 * ids.take('call_0'); // 'call_0'
 * ids.take('call_0'); // 'call_0-2'
 * ids.take(undefined); // 'call-1'
 */
export class CallIds {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  /** The id of a new call: the one that the server gave, if it is the first call with it. */
  take(given: unknown): string {
    const isGiven = typeof given === 'string' && given !== '';
    const base = isGiven ? given : 'call';
    let id = base;
    for (
      let number = this.#next.get(base) ?? (isGiven ? 2 : 1);
      this.#taken.has(id) || id === 'call';
      number++
    ) {
      const suffix = `-${number}`;
      id = base.slice(0, MAX_LENGTH - suffix.length) + suffix;
      this.#next.set(base, number + 1);
    }
    this.#taken.add(id);
    return id;
  }
}
