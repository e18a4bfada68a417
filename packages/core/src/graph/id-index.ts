import { hashOfId } from '../util/hash.js';

/** Places for ids in the smallest table. */
const MIN_PLACES = 16;
/** How many places of the table one id may cost, on average. Ids by chance cost one or two. */
const PROBES_PER_ID = 32;

/**
 * A list of ids that knows the position of each. For many ids it takes a third of the time of a
 * `Map`, because the engine interns each string that becomes the key of a `Map`.
 *
 * A hash table with open addressing, at most half full. Ids that were chosen to collide use up its
 * budget of probes, and a `Map` replaces it: so the work is linear, whatever the ids.
 */
export class IdIndex {
  readonly #ids: string[] = [];
  /** Pairs: the hash of an id, and its position plus one; 0 in a place that is free. */
  #table: Int32Array;
  #unique = 0;
  /** Probes of searches that were longer than `PROBES_PER_ID`. */
  #excess = 0;
  #map: Map<string, number> | undefined;

  /** @param expected How many ids there will be; more are possible. */
  constructor(expected: number) {
    let places = MIN_PLACES;
    while (places < 2 * expected) places *= 2;
    this.#table = new Int32Array(2 * places);
  }

  /** Fewer than there are ids when one is used twice. */
  get uniqueIds(): number {
    return this.#map?.size ?? this.#unique;
  }

  ids(): Iterable<string> {
    return this.#ids;
  }

  /** The position of an id; the last one when the id is used twice. */
  indexOf(id: string): number | undefined {
    const slot = this.#slotOf(id, hashOfId(id));
    if (slot < 0) return this.#asMap().get(id);
    const next = this.#table[slot + 1] as number;
    return next === 0 ? undefined : next - 1;
  }

  /** Appends an id. */
  push(id: string): void {
    const hash = hashOfId(id);
    const slot = this.#slotOf(id, hash);
    if (slot < 0) this.#asMap().set(id, this.#ids.length);
    this.#ids.push(id);
    if (slot < 0) return;
    if (this.#table[slot + 1] === 0) this.#unique++;
    this.#table[slot] = hash;
    this.#table[slot + 1] = this.#ids.length;
    if (4 * this.#unique > this.#table.length) this.#grow();
  }

  /** The slot of an id, or the free one for it; -1 when the budget is used up. */
  #slotOf(id: string, hash: number): number {
    if (this.#map !== undefined) return -1;
    const table = this.#table;
    const mask = table.length - 1;
    let slot = (hash << 1) & mask;
    for (let probe = 1; ; probe++) {
      const next = table[slot + 1] as number;
      if (next === 0 || (table[slot] === hash && this.#ids[next - 1] === id)) return slot;
      slot = (slot + 2) & mask;
      if (probe >= PROBES_PER_ID && this.#isOverBudget()) return -1;
    }
  }

  /** Counts one more probe of a long search. */
  #isOverBudget(): boolean {
    return ++this.#excess > PROBES_PER_ID * (this.#unique + MIN_PLACES);
  }

  #grow(): void {
    const smaller = this.#table;
    const table = new Int32Array(2 * smaller.length);
    const mask = table.length - 1;
    for (let from = 0; from < smaller.length; from += 2) {
      if (smaller[from + 1] === 0) continue;
      let slot = ((smaller[from] as number) << 1) & mask;
      for (let probe = 1; table[slot + 1] !== 0; probe++) {
        slot = (slot + 2) & mask;
        if (probe >= PROBES_PER_ID && this.#isOverBudget()) {
          this.#asMap();
          return;
        }
      }
      table[slot] = smaller[from] as number;
      table[slot + 1] = smaller[from + 1] as number;
    }
    this.#table = table;
  }

  #asMap(): Map<string, number> {
    this.#map ??= new Map(this.#ids.map((id, index) => [id, index]));
    return this.#map;
  }
}
