/** Code points from the first to the last, both included. */
export type Range = readonly [first: number, last: number];

export const LAST_CODE_POINT = 0x10ffff;
export const DIGIT = pairs('09');
export const WORD = pairs('09AZ__az');
export const LINE_END = pairs('\n\n\r\r\u2028\u2029');
export const SPACE = pairs(
  '\t\r  \xa0\xa0\u1680\u1680\u2000\u200a\u2028\u2029\u202f\u202f\u205f\u205f\u3000\u3000\ufeff\ufeff',
);

/** Ranges from a string of their first and last characters, in order. */
function pairs(characters: string): readonly Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at < characters.length; at += 2) {
    ranges.push([characters.charCodeAt(at), characters.charCodeAt(at + 1)]);
  }
  return ranges;
}

/** In order, without overlaps, as {@link includes} needs them. */
export function normalize(ranges: readonly Range[]): readonly Range[] {
  const merged: [first: number, last: number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous === undefined || first > previous[1] + 1) merged.push([first, last]);
    else previous[1] = Math.max(previous[1], last);
  }
  return merged;
}

/** Ends at the last code point and begins at 0, so that the end of a text is in no class. */
export function complement(ranges: readonly Range[]): readonly Range[] {
  const gaps: Range[] = [];
  let next = 0;
  for (const [first, last] of normalize(ranges)) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) gaps.push([next, LAST_CODE_POINT]);
  return gaps;
}

export function includes(ranges: readonly Range[], code: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] as Range;
    if (code < first) high = middle;
    else if (code > last) low = middle + 1;
    else return true;
  }
  return false;
}
