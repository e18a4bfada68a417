/** Groups that are looked at before more of them are passed over. */
const GROUPS_OF_A_STEP = 20;

/** Counts something in groups of rows. Of many groups, it looks at some, and takes the others to be like them. */
export class PartialCount {
  #groups = 0;
  #next = 0;
  #step = 1;
  #rows = 0;
  #rowsSeen = 0;
  #found = 0;

  /** @param countOf Counts in this group; it is called for ever fewer groups: the first ones, and then one in 2, 3, … */
  async add(rows: number, countOf: () => number | Promise<number>): Promise<void> {
    this.#rows += rows;
    if (this.#groups === this.#next) {
      this.#rowsSeen += rows;
      this.#found += await countOf();
      if (this.#groups >= this.#step * GROUPS_OF_A_STEP) this.#step++;
      this.#next = this.#groups + this.#step;
    }
    this.#groups++;
  }

  /** Of all groups. */
  get total(): number {
    return this.#rowsSeen === 0 ? 0 : (this.#found / this.#rowsSeen) * this.#rows;
  }
}
