/**
 * Creates a value at its first use and shares it afterwards. A failure is not kept: the environment
 * may be corrected before the next attempt.
 */
export function retryableOnce<T>(create: () => Promise<T>): () => Promise<T> {
  let created: Promise<T> | undefined;
  return () => {
    created ??= create().catch((thrown) => {
      created = undefined;
      throw thrown;
    });
    return created;
  };
}
