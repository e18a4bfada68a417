/** Writes to a stream and waits until it has left, so that leaving the process cuts nothing off. */
export function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    // A reader that has gone away (`| head`) wants no more: that is no failure.
    stream.write(text, () => resolve());
  });
}

/** Without a listener, a reader that goes away would end the process with a stack trace. */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
