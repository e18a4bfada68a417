import { kindsOf, type Shape } from './shapes.js';

/** Whether a value of one of these kinds may be there. */
export function mayBe(shape: Shape, kinds: readonly string[]): boolean {
  return shape.some((part) => kindsOf(part)?.some((kind) => kinds.includes(kind)) ?? true);
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** `text or a number` */
export function kindsText(shape: Shape): string {
  const kinds = new Set(shape.flatMap((part) => kindsOf(part) ?? []));
  return [...kinds].map((kind) => KIND_NAMES[kind] ?? kind).join(' or ');
}
