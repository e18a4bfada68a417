import { hashOfId } from '../util/hash.js';

/** Places for ids in the smallest table. */
const MIN_PLACES = 16;
/** How many places of the table one id may cost, on average. Ids by chance cost one or two. */
const PROBES_PER_ID = 32;

/** What has the ids: a task. */
interface Owner {
  readonly id: string;
}

/**
 * Knows the position of each id of a list. For many ids it takes a third of the time of a `Map`,
 * because the engine interns each string that becomes the key of a `Map`.
 *
 * A hash table with open addressing, at most half full. Ids that were chosen to collide use up its
 * budget of probes, and a `Map` replaces it: so the work is linear, whatever the ids.
 */
export class IdIndex {
  /** The list; the ids of its first `#size` items are stored. */
  #owners: readonly Owner[];
  #size = 0;
  /**
   * The position of an id plus one, in as many bits as the number of a place has. The other bits are
   * from its hash: they tell most other ids apart. 0 in a place that is free.
   */
  #table: Int32Array;
  #unique = 0;
  /** Probes of searches that were longer than `PROBES_PER_ID`. */
  #excess = 0;
  #map: Map<string, number> | undefined;

  constructor(owners: readonly Owner[]) {
    this.#owners = owners;
    let places = MIN_PLACES;
    while (places < 2 * owners.length) places *= 2;
    this.#table = new Int32Array(places);
  }

  /** Fewer than there are ids when one is used twice. */
  get uniqueIds(): number {
    return this.#map?.size ?? this.#unique;
  }

  /** The list is another array now, which begins with the same items. */
  moveTo(owners: readonly Owner[]): void {
    this.#owners = owners;
  }

  /** The position of an id that is stored; the last one when the id is used twice. */
  indexOf(id: string): number | undefined {
    const table = this.#table;
    const slot = this.#slotOf(id, hashOfId(id));
    if (slot < 0) return this.#asMap().get(id);
    const entry = table[slot] as number;
    return entry === 0 ? undefined : (entry & (table.length - 1)) - 1;
  }

  /** Stores the id of the next item of the list. */
  storeNext(): void {
    if (2 * (this.#size + 1) > this.#table.length) this.#grow();
    const position = this.#size;
    const { id } = this.#owners[position] as Owner;
    const hash = hashOfId(id);
    const slot = this.#slotOf(id, hash);
    this.#size = position + 1;
    if (slot < 0) {
      this.#asMap().set(id, position);
      return;
    }
    const table = this.#table;
    if (table[slot] === 0) this.#unique++;
    table[slot] = tagOf(hash, table.length - 1) | (position + 1);
  }

  /** The slot of an id, or the free one for it; -1 when the budget is used up. */
  #slotOf(id: string, hash: number): number {
    if (this.#map !== undefined) return -1;
    const table = this.#table;
    const owners = this.#owners;
    const mask = table.length - 1;
    const tag = tagOf(hash, mask);
    let slot = hash & mask;
    for (let probe = 1; ; probe++) {
      const entry = table[slot] as number;
      if (entry === 0) return slot;
      if ((entry & ~mask) === tag && (owners[(entry & mask) - 1] as Owner).id === id) return slot;
      slot = (slot + 1) & mask;
      if (probe >= PROBES_PER_ID && this.#isOverBudget()) return -1;
    }
  }

  /** Counts one more probe of a long search. */
  #isOverBudget(): boolean {
    return ++this.#excess > PROBES_PER_ID * (this.#unique + MIN_PLACES);
  }

  #grow(): void {
    if (this.#map !== undefined) return;
    const had = this.#size;
    this.#table = new Int32Array(2 * this.#table.length);
    this.#size = 0;
    this.#unique = 0;
    // A budget for each table: together they are at most twice that of the last one.
    this.#excess = 0;
    while (this.#size < had) this.storeNext();
  }

  #asMap(): Map<string, number> {
    if (this.#map === undefined) {
      this.#map = new Map();
      for (let position = 0; position < this.#size; position++) {
        this.#map.set((this.#owners[position] as Owner).id, position);
      }
    }
    return this.#map;
  }
}

/** The bits of an entry that are not for its position. Ids with neighbouring hashes have different ones. */
function tagOf(hash: number, mask: number): number {
  return Math.imul(hash, 0x9e3779b1) & ~mask;
}
