/** Waits for work that may never end, such as an answer of a server that is away. Ignores its error. */
export async function within(durationMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  await Promise.race([work.catch(() => {}), over]);
  clearTimeout(timer);
}
