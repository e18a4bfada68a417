/**
 * Writes to a stream and waits until the text is flushed, so that exiting truncates nothing.
 * A closed pipe (`| head`) is not a failure: its reader needs no more.
 *
 * @returns Whether the stream has a reader.
 * @throws when the text cannot be written for another reason, such as a full disk.
 */
export function write(stream: NodeJS.WriteStream, text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
      if (!error) resolve(true);
      else if (isClosedPipe(error)) resolve(false);
      else reject(new Error(`cannot write: ${error.message}`));
    });
  });
}

/** Waits until everything written so far is flushed. */
export async function flush(): Promise<void> {
  await Promise.allSettled([write(process.stdout, ''), write(process.stderr, '')]);
}

/** Keeps a failed write from ending the process; `write` reports the error instead. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

function isClosedPipe({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
}
