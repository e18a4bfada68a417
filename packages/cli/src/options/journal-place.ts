const URL_SCHEME = /^([a-z][a-z\d+.-]+):\/\//i;

/** Whether a journal is on a server, and not in a directory. */
export function isServer(journal: string): boolean {
  return URL_SCHEME.test(journal);
}

/** The part of a URL that says which kind of server it is. */
export function schemeOf(journal: string): string | undefined {
  return URL_SCHEME.exec(journal)?.[1]?.toLowerCase();
}

/**
 * The journal as it may be shown and typed again: without the password of a URL, which then comes from
 * `PGPASSWORD` or `REDISCLI_AUTH`.
 */
export function shownJournal(journal: string): string {
  if (!isServer(journal)) return journal;
  if (!URL.canParse(journal)) return journal.replace(/:\/\/.*@/, '://…@');
  const url = new URL(journal);
  url.password = '';
  url.searchParams.delete('password');
  return url.href;
}
