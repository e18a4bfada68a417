/** After so many rounds, what is left is sorted: no order of values makes the search quadratic. */
const MAX_ROUNDS = 64;

/**
 * The value that would be at `position` if the values were sorted. Moves the smaller values in front of it, and
 * the larger ones behind it. Takes O(n), where sorting takes O(n log n).
 *
 * @param from All values before this position are known to be no larger than the others.
 */
export function select(values: Float64Array, position: number, from = 0): number {
  let low = from;
  let high = values.length - 1;
  for (let round = 0; low < high; round++) {
    if (round === MAX_ROUNDS) {
      values.subarray(low, high + 1).sort();
      break;
    }
    const pivot = values[(low + high) >> 1] as number;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((values[left] as number) < pivot) left++;
      while ((values[right] as number) > pivot) right--;
      if (left > right) break;
      const value = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = value;
    }
    if (position <= right) high = right;
    else if (position >= left) low = left;
    else break;
  }
  return values[position] as number;
}
