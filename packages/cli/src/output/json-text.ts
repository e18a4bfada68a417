/** Control characters that JSON lets stand, and marks that reorder text. */
export const UNSAFE = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** JSON for people and programs: the same value, with nothing in it that a terminal would obey. */
export function jsonText(value: unknown): string {
  return escapeUnsafe(JSON.stringify(value, undefined, 2));
}

/** The text with escapes for what a terminal would obey; for text in double quotes. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
