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
