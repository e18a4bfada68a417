import { hashOf } from '../util/hash.js';

/** Room for this many ids at first. */
const SMALLEST = 16;
/** A search looks at one or two places; by chance, none in many millions looks at as many as this. */
const MOST_PROBES = 256;

/**
 * A list of ids that knows where each of them is, in a third of the time that a `Map` takes when
 * there are many: what is to be a key of a `Map` goes into the engine's table of all strings first.
 *
 * A hash table with open addressing, at most half full. Ids that somebody chose so that they
 * collide in it end up in a `Map`, which is safe from that.
 */
export class IdIndex {
  readonly #ids: string[] = [];
  /** Pairs: the hash of an id, and one more than its index; 0 where there is none. */
  #table: Int32Array;
  #unique = 0;
  #map: Map<string, number> | undefined;

  /** @param expected How many ids there will be; it grows when there are more. */
  constructor(expected: number) {
    let room = SMALLEST;
    while (room < 2 * expected) room *= 2;
    this.#table = new Int32Array(2 * room);
  }

  /** Fewer than there are ids when one is used twice. */
  get uniqueIds(): number {
    return this.#map?.size ?? this.#unique;
  }

  ids(): Iterable<string> {
    return this.#ids;
  }

  /** The index of the last that is called so. */
  indexOf(id: string): number | undefined {
    const slot = this.#slotOf(id, hashOf(id));
    if (slot < 0) return this.#asMap().get(id);
    const next = this.#table[slot + 1] as number;
    return next === 0 ? undefined : next - 1;
  }

  /** Appends an id. */
  push(id: string): void {
    const hash = hashOf(id);
    const slot = this.#slotOf(id, hash);
    if (slot < 0) this.#asMap().set(id, this.#ids.length);
    this.#ids.push(id);
    if (slot < 0) return;
    if (this.#table[slot + 1] === 0) this.#unique++;
    this.#table[slot] = hash;
    this.#table[slot + 1] = this.#ids.length;
    if (4 * this.#unique > this.#table.length) this.#grow();
  }

  /** Where an id is in the table, or where it would be; -1 when only the `Map` may be asked. */
  #slotOf(id: string, hash: number): number {
    if (this.#map !== undefined) return -1;
    const table = this.#table;
    const mask = table.length - 1;
    let slot = (hash << 1) & mask;
    for (let probe = 0; probe < MOST_PROBES; probe++) {
      const next = table[slot + 1] as number;
      if (next === 0 || (table[slot] === hash && this.#ids[next - 1] === id)) return slot;
      slot = (slot + 2) & mask;
    }
    return -1;
  }

  #grow(): void {
    const smaller = this.#table;
    const table = new Int32Array(2 * smaller.length);
    const mask = table.length - 1;
    for (let from = 0; from < smaller.length; from += 2) {
      if (smaller[from + 1] === 0) continue;
      let slot = ((smaller[from] as number) << 1) & mask;
      while (table[slot + 1] !== 0) slot = (slot + 2) & mask;
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
