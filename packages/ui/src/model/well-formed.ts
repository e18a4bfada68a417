/// <reference lib="es2024.string" />

/** The text with lone surrogates replaced: they have no form in UTF-8. */
export function wellFormed(text: string): string {
  return text.toWellFormed();
}
