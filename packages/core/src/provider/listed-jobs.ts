/** The answers of servers that have no list of jobs. */
const NO_LIST: readonly unknown[] = [404, 405, 501];

/**
 * The jobs that a provider lists, each once; none at a server without a list. Ends at a job that came before:
 * some servers answer each request with the first page.
 *
 * @param list Asks for the pages.
 */
export async function* listedJobs<Job extends { readonly id: string }>(
  list: () => AsyncIterable<Job>,
): AsyncGenerator<Job> {
  const seen = new Set<string>();
  try {
    for await (const job of list()) {
      if (seen.has(job.id)) return;
      seen.add(job.id);
      yield job;
    }
  } catch (thrown) {
    const { status } = Object(thrown) as { status?: unknown };
    if (!NO_LIST.includes(status)) throw thrown;
  }
}
