import { isRecord } from '@stratagem/core/runner';
import type { Response } from 'openai/resources/responses/responses';

/** The items as the API has them: some servers send null, or a text as the content of a message. */
export function asSpecified(output: unknown): Response['output'] {
  const items = Array.isArray(output) ? output : [];
  return items.flatMap((item) => {
    if (!isRecord(item) || typeof item.type !== 'string') return [];
    if (item.type !== 'message') return item as never;
    return { ...item, content: partsOf(item.content).flatMap(partAsSpecified) } as never;
  });
}

function partsOf(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  return typeof content === 'string' ? [{ type: 'output_text', text: content }] : [content];
}

/** Some servers send parts of another type, a text that is null, or annotations that are none. */
function partAsSpecified(part: unknown): object[] {
  if (!isRecord(part)) return [];
  const { type, text, annotations, ...more } = part;
  if (type !== 'text' && type !== 'output_text') return [part];
  if (typeof text !== 'string') return [];
  const listed = Array.isArray(annotations) && { annotations: annotations.filter(isRecord) };
  return [{ ...more, type: 'output_text', text, ...listed }];
}
