/**
 * Writes to a stream and waits until it has left, so that leaving the process cuts nothing off.
 * A reader that has gone away (`| head`) wants no more, which is no failure.
 *
 * @throws when the text cannot be written for another reason, such as a full disk.
 */
export function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
      if (error && !isClosedPipe(error)) reject(new Error(`cannot write: ${error.message}`));
      else resolve();
    });
  });
}

/** Waits until everything written so far has left. */
export async function flush(): Promise<void> {
  await Promise.allSettled([write(process.stdout, ''), write(process.stderr, '')]);
}

/** Without a listener, a write that fails would end the process; `write` reports it instead. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

function isClosedPipe({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
}
