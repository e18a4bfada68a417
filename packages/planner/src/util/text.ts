/** The beginning of a text; an ellipsis marks the cut. */
export function truncate(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}

/** Escapes `{{`, so that a prompt template takes it as text and not as a reference. */
export function escapeBraces(text: string): string {
  return text.replaceAll('{{', '\\{{');
}
