import type { ContentBlockParam } from '@anthropic-ai/sdk/resources/messages/messages';
import type { Citation } from '@stratagem/core';
import { isRecord } from '@stratagem/core/runner';

/** The sources that the text of an answer cites, with the place of each text that cites them. */
export function citationsIn(content: readonly ContentBlockParam[]): Citation[] {
  let end = 0;
  return content.flatMap((block) => {
    if (block.type !== 'text') return [];
    const start = end;
    end += block.text.length;
    const span = { start, end };
    const given: unknown = block.citations;
    const citations = Array.isArray(given) ? given.filter(isRecord) : [];
    return citations.map((citation) => ({ ...citationOf(citation), ...span }));
  });
}

/** Pages of searches have an address, parts of documents the title of the document. */
function citationOf(citation: object): Citation {
  const { url, source, title, document_title, cited_text } = citation as Record<string, unknown>;
  return {
    url: textOf(url) ?? textOf(source),
    title: textOf(title) ?? textOf(document_title),
    quote: textOf(cited_text),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
