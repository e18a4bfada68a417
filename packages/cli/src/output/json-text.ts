/** Control characters that JSON does not escape, and marks that reorder text. */
export const UNSAFE = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Formats a value as JSON that is safe to print on a terminal. */
export function jsonText(value: unknown): string {
  return escapeUnsafe(JSON.stringify(value, undefined, 2));
}

/** Escapes the characters that affect a terminal, for text inside double quotes. */
export function escapeUnsafe(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
