import { truncate } from '../util/text.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field name without case and separators: `depends_on`, `dependsOn` and `Depends On` are equal. */
export function normalizeKey(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Whether a value is one of those that models write for "nothing". */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A JSON value as text. It avoids `toString`, which an answer can override. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** The beginning of a text, in quotes. */
export function quote(text: string): string {
  return `"${truncate(text, 80)}"`;
}

/** The name of a field, which comes from the answer and may have any length. */
export function shortName(name: string): string {
  return truncate(name, 40);
}

export function quoteName(name: string): string {
  return `"${shortName(name)}"`;
}

/** Whether a text cannot be an id: it has control characters or lone surrogates. */
export function isUnreadable(text: string): boolean {
  return /[\p{Cc}\p{Cs}]/u.test(text);
}
