import type { Json } from '../contract/journal.js';

/** JSON text that does not depend on the order of fields. */
export function canonical(data: Json | undefined): string {
  if (typeof data !== 'object' || data === null) return JSON.stringify(data) ?? 'undefined';
  if (Array.isArray(data)) return `[${data.map(canonical).join(',')}]`;
  const fields = data as { readonly [field: string]: Json };
  const written = Object.keys(fields)
    .sort()
    .map((field) => `${JSON.stringify(field)}:${canonical(fields[field])}`);
  return `{${written.join(',')}}`;
}
