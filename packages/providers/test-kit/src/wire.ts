import { readFile } from 'node:fs/promises';
import type { Reply } from './server.js';

/**
 * A stream byte for byte as it stands in a file, in pieces that begin and end anywhere: networks know
 * nothing of events.
 */
export async function wireOf(file: URL, headers: Record<string, string> = {}): Promise<Reply> {
  const bytes = await readFile(file);
  return async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers });
    response.socket?.setNoDelay(true);
    for (let from = 0; from < bytes.length; from += 97) {
      response.write(bytes.subarray(from, from + 97));
      await new Promise(setImmediate);
    }
    response.end();
  };
}
