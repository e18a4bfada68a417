import { readFile } from 'node:fs/promises';
import type { Reply } from './server.js';

/**
 * A stream byte for byte from a file, in pieces that ignore the borders of events, as networks do.
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
