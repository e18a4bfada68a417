/** Codes of the operating system for connections that cannot be made or were broken off. */
const BROKEN = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/** Whether an error is one of the operating system about a connection, or has some. */
export function isBrokenConnection(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isBrokenConnection);
  const { code } = Object(thrown) as { readonly code?: unknown };
  return typeof code === 'string' && BROKEN.has(code);
}

/** The message of an error, or the messages of all errors that it has, such as those of several addresses. */
export function reasonOf(thrown: unknown): string {
  const errors: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const messages = errors.map((error) =>
    error instanceof Error ? error.message || (error as { code?: string }).code : String(error),
  );
  return [...new Set(messages)].join(', ');
}
