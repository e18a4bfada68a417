import { type Path, parseReference } from './reference.js';

/** A piece of a template: text that stands as it is, or a reference to what is put in its place. */
export type TemplatePart = string | TemplateReference;

export interface TemplateReference {
  /** As written, without the braces. */
  readonly source: string;
  /** Undefined when it names nothing that is known. */
  readonly id: string | undefined;
  readonly path: Path;
}

/** `{{…}}`, and `\{{` for braces that are text. What is put in place is never read again. */
const PLACEHOLDER = /\\\{\{|\{\{([^{}]*)\}\}/g;

/**
 * Reads a prompt with references in it: `Compare {{research.companies[0].name}} with {{rival}}`.
 *
 * @param isKnown Whether something may be referred to by this id.
 */
export function parseTemplate(text: string, isKnown: (id: string) => boolean): TemplatePart[] {
  if (!text.includes('{{')) return [text];
  const parts: TemplatePart[] = [];
  let plain = '';
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    plain += text.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[1] === undefined) {
      plain += '{{';
      continue;
    }
    const source = match[1].trim();
    const { id, path = [] } = parseReference(source, isKnown) ?? {};
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push({ source, id, path });
  }
  plain += text.slice(end);
  if (plain !== '') parts.push(plain);
  return parts;
}
