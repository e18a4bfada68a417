/** The fields that have a value. A field set to `undefined` counts as absent. */
export function definedFields<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const known: Partial<T> = {};
  for (const name of Object.keys(fields) as (keyof T)[]) {
    if (fields[name] !== undefined) known[name] = fields[name];
  }
  return known as { [K in keyof T]?: Exclude<T[K], undefined> };
}
