/**
 * A set of items that come and go. An item is removed by the slot that it was given, so that adding
 * and removing cost no more than writing to a list. Items can also be found by a key: an index is made
 * for that when it is first asked for, as most runs never do.
 */
export class Slots<T, Key> {
  readonly #keyOf: (item: T) => Key;
  readonly #items: (T | undefined)[] = [];
  readonly #free: number[] = [];
  #byKey: Map<Key, T> | undefined;

  constructor(keyOf: (item: T) => Key) {
    this.#keyOf = keyOf;
  }

  /** @returns The slot of the item. */
  add(item: T): number {
    const slot = this.#free.pop() ?? this.#items.length;
    this.#items[slot] = item;
    this.#byKey?.set(this.#keyOf(item), item);
    return slot;
  }

  /** @param slot Of an item that has not been removed. */
  remove(slot: number): void {
    if (this.#byKey !== undefined) this.#byKey.delete(this.#keyOf(this.#items[slot] as T));
    this.#items[slot] = undefined;
    this.#free.push(slot);
  }

  find(key: Key): T | undefined {
    this.#byKey ??= new Map(this.items().map((item) => [this.#keyOf(item), item]));
    return this.#byKey.get(key);
  }

  items(): T[] {
    return this.#items.filter((item) => item !== undefined);
  }
}
