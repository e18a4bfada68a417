import { type Path, parseReference } from './reference.js';

/** A part of a template: literal text, or a reference that a value replaces. */
export type TemplatePart = string | TemplateReference;

export interface TemplateReference {
  /** As written, without the braces. */
  readonly source: string;
  /** Undefined when the reference is to nothing known. */
  readonly id: string | undefined;
  readonly path: Path;
}

/** `{{…}}`, and `\{{` for literal braces. Values that replace references are not parsed again. */
const PLACEHOLDER = /\\\{\{|\{\{([^{}]*)\}\}/g;

/**
 * Parses a prompt with references: `Compare {{research.companies[0].name}} with {{rival}}`.
 *
 * @param isInput Whether references may name this id; called for each of them, so it must take
 * constant time.
 */
export function parseTemplate(text: string, isInput: (id: string) => boolean): TemplatePart[] {
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
    const { id, path = [] } = parseReference(source, isInput) ?? {};
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push({ source, id, path });
  }
  plain += text.slice(end);
  if (plain !== '') parts.push(plain);
  return parts;
}

/**
 * Parses where a value comes from: a text with references, or without braces one reference, such as
 * `report.summary`.
 *
 * @param isInput As in {@link parseTemplate}.
 */
export function parseSource(source: string, isInput: (id: string) => boolean): TemplatePart[] {
  if (source.includes('{{')) return parseTemplate(source, isInput);
  const { id, path = [] } = parseReference(source, isInput) ?? {};
  return [{ source, id, path }];
}
