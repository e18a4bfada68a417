import { parseXml, XmlCdata, XmlElement, XmlText } from '@rgrove/parse-xml';

/** A character that XML would need to escape, which models leave as it is. */
const BARE_AMPERSAND = /&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|amp|lt|gt|quot|apos);)/gi;
/** The tag of an element; a comparison like `a < b` is none. */
const BARE_LESS = /<(?![\p{L}_/!?])/gu;
const WRAPPER = 'answer';
/** Names of elements that hold a list, even of one element. */
const LISTS =
  /^(?:tasks|steps|subtasks|substeps|children|nodes|edges|links|dependencies|depends_?on|dependson|deps|prerequisites|requires|parents|tools|plan|(?:task|step|sub|tool)_?(?:list|s)|acceptance_?criteria|\w+_ids)$/i;

/** Names of elements that only hold one element of a list. */
const ITEM = /^(?:item|entry|element|value|li)$/i;

/** The data of the XML in a text; undefined when there is none, or it is not well-formed. */
export function readXml(text: string): unknown {
  const start = text.search(/<[\p{L}_]/u);
  const end = text.lastIndexOf('>');
  if (start === -1 || end < start) return undefined;
  const xml = text
    .slice(start, end + 1)
    .replace(/^\s*<\?xml[^>]*\?>/, '')
    .replace(BARE_AMPERSAND, '&amp;')
    .replace(BARE_LESS, '&lt;');
  try {
    const { root } = parseXml(`<${WRAPPER}>${xml}</${WRAPPER}>`);
    return root === null ? undefined : dataOf(root);
  } catch {
    return undefined;
  }
}

/** An element as the JSON that a model would have written: attributes and elements are fields. */
function dataOf(element: XmlElement): unknown {
  const children = element.children.filter((child) => child instanceof XmlElement);
  const text = textOf(element);
  const attributes = Object.entries(element.attributes);
  if (attributes.length === 0 && children.length === 0) return text;
  if (attributes.length === 0 && text === '' && isList(element, children)) {
    return children.map(dataOf);
  }
  const fields = new Map<string, unknown[]>();
  const add = (name: string, value: unknown) =>
    fields.set(name, [...(fields.get(name) ?? []), value]);
  for (const [name, value] of attributes) add(name, value);
  for (const child of children) add(child.name, dataOf(child));
  if (text !== '') add('text', text);
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

/** Whether an element is a list: its name is plural, or it holds several of one kind. */
function isList({ name }: XmlElement, children: readonly XmlElement[]): boolean {
  const names = new Set(children.map((child) => child.name));
  if (names.size !== 1) return false;
  const [inner = ''] = names;
  if (children.length > 1 || ITEM.test(inner)) return true;
  return (
    (LISTS.test(name) && !LISTS.test(inner)) || name === `${inner}s` || name === `${inner}_list`
  );
}

/** The text of an element without the text of the elements inside. */
function textOf({ children }: XmlElement): string {
  return children
    .filter((child) => child instanceof XmlText || child instanceof XmlCdata)
    .map((child) => (child as XmlText).text)
    .join('')
    .replace(/[ \t]*\n[ \t]*/g, '\n')
    .trim();
}
