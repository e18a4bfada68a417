/**
 * The switches of the mechanisms of `adaptive`, all on. The package does not export them: they are for this
 * benchmark alone.
 */
export async function mechanisms(): Promise<Record<string, boolean>> {
  const entry = import.meta.resolve('@stratagem/adaptive');
  const { MECHANISMS } = await import(new URL('./mechanisms.js', entry).href);
  return MECHANISMS as Record<string, boolean>;
}
