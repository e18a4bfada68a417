/** Marks the end of a linked list in an array of indexes. */
export const NONE = -1;

/** A copy with room for `capacity` items; the new ones are 0. */
export function enlarge<T extends Int32Array | Float64Array | Uint16Array | Uint8Array>(
  array: T,
  capacity: number,
): T {
  const larger = new (array.constructor as new (length: number) => T)(capacity);
  larger.set(array);
  return larger;
}

/**
 * Hands out arrays of one length that share one block of memory: a block for each would cost a small
 * plan a microsecond apiece. The widest come first, so that each is aligned.
 */
export class Columns {
  readonly #block: ArrayBuffer;
  readonly #length: number;
  #end = 0;

  /** @param bytes The bytes of all arrays for one item. */
  constructor(length: number, bytes: number) {
    this.#length = length;
    this.#block = new ArrayBuffer(length * bytes);
  }

  float64(): Float64Array {
    return new Float64Array(this.#block, this.#take(8), this.#length);
  }

  int32(): Int32Array {
    return new Int32Array(this.#block, this.#take(4), this.#length);
  }

  uint8(): Uint8Array {
    return new Uint8Array(this.#block, this.#take(1), this.#length);
  }

  #take(bytes: number): number {
    const start = this.#end;
    this.#end += bytes * this.#length;
    return start;
  }
}
