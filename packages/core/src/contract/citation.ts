import { isRecord } from '../util/record.js';

/** A source that an answer cites. */
export interface Citation {
  /** The address of the source; left out for a document that was attached. */
  readonly url?: string | undefined;
  readonly title?: string | undefined;
  /** The text that is quoted from the source, or the part of the answer that cites it. */
  readonly quote?: string | undefined;
  /** Where the part of the answer that cites the source begins, counted in characters. */
  readonly start?: number | undefined;
  /** Where that part ends. */
  readonly end?: number | undefined;
}

/** More citations than this are left out. */
const MAX_CITATIONS = 1_000;
const TEXTS = ['url', 'title', 'quote'] as const;
const PLACES = ['start', 'end'] as const;

/** The citations in a value from outside, each one once, with their own fields alone; undefined for none. */
export function citationsOf(value: unknown): readonly Citation[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const found = new Map<string, Citation>();
  for (const each of value) {
    if (found.size >= MAX_CITATIONS || !isRecord(each)) continue;
    const texts = TEXTS.filter((name) => typeof each[name] === 'string' && each[name] !== '');
    const places = PLACES.filter((name) => Number.isInteger(each[name]) && Number(each[name]) >= 0);
    if (each.url === undefined && each.title === undefined) continue;
    const fields = [...texts, ...places].map((name) => [name, each[name]]);
    const citation: Citation = Object.freeze(Object.fromEntries(fields));
    found.set(JSON.stringify(citation), citation);
  }
  return found.size === 0 ? undefined : Object.freeze([...found.values()]);
}
