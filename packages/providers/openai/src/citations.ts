import type { Citation } from '@stratagem/core';

/**
 * The sources that an answer cites, in its annotations: those of the Responses API have their fields
 * themselves, those of Chat Completions in `url_citation`.
 *
 * @param text The text that the places of annotations count in.
 */
export function annotationsOf(annotations: unknown, text: string, offset = 0): Citation[] {
  if (!Array.isArray(annotations)) return [];
  // A file that code left is no source.
  const sources = annotations.filter((each) => !Object(each).container_id);
  return sources.map((each) => {
    const outer = Object(each) as Record<string, unknown>;
    const fields = Object(outer.url_citation ?? outer) as Record<string, unknown>;
    const { url, title, filename, start_index, end_index, content } = fields;
    const [start, end] = [countIn(start_index), countIn(end_index)];
    const isPlace = start !== undefined && end !== undefined && end > start;
    return {
      url: textIn(url),
      title: textIn(title) ?? textIn(filename),
      quote: textIn(content) ?? (isPlace ? text.slice(start, end) : undefined),
      ...(isPlace && { start: start + offset, end: end + offset }),
    };
  });
}

/** Sources that some servers list beside the answer: addresses, or results of their search. */
export function listedSources(body: object): Citation[] {
  const { citations, search_results } = body as Record<string, unknown>;
  if (citations === undefined && search_results === undefined) return [];
  const results = Array.isArray(search_results) ? search_results : [];
  const known = new Map(
    results.map((each) => [textIn(Object(each).url), textIn(Object(each).title)]),
  );
  const urls = Array.isArray(citations) ? citations.map(textIn) : [...known.keys()];
  return urls.flatMap((url) => (url === undefined ? [] : [{ url, title: known.get(url) }]));
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function countIn(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
