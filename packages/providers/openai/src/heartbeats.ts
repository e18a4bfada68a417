import { bytesOf, charactersOf } from './latin1.js';

/** An event without data, as a server sends it to keep the connection open. The SDK would fail on it. */
const HEARTBEAT =
  /^data:[ \t]*(?:null[ \t]*)?\r?$|^(?:event|id|retry)(?::[^\r\n]*)?(?:\r\n\r|\n)\n/m;
const DATA = /^data:[ \t]*(?!null[ \t]*\r?$)[^ \t\r\n]/m;
const END_OF_EVENT = /(?:\r\n|\n)\r?\n/;

/**
 * Removes heartbeats from the body of a stream before the SDK reads it. The SDK takes the body at the
 * first event.
 */
export function ignoreHeartbeats(response: Response): void {
  const { body } = response;
  if (body === null) return;
  const value = { getReader: () => withoutHeartbeats(body.getReader()) };
  Object.defineProperty(response, 'body', { value, configurable: true });
}

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel' | 'releaseLock'>;

function withoutHeartbeats(reader: Reader): Reader {
  // Bytes as characters, so that a piece may end within a character.
  let held = '';
  return {
    async read() {
      for (;;) {
        const next = await reader.read();
        if (next.done) {
          const rest = held;
          held = '';
          return rest === '' ? next : { done: false, value: bytesOf(filtered(rest)) };
        }
        const { value } = next;
        const text = charactersOf(value);
        const end = endOfEvents(held, text);
        if (end === 0) {
          held += text;
          continue;
        }
        const events = held + text.slice(0, end);
        const isWhole = held === '' && end === text.length;
        held = text.slice(end);
        if (!HEARTBEAT.test(events))
          return isWhole ? next : { done: false, value: bytesOf(events) };
        const left = filtered(events);
        if (left !== '') return { done: false, value: bytesOf(left) };
      }
    },
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}

/** Where the last complete event ends in this piece; 0 when none does. */
function endOfEvents(held: string, piece: string): number {
  const before = held.slice(-2);
  const text = before + piece;
  // Lines may end with a carriage return alone.
  const ends = ['\n\n', '\n\r\n', '\r\r'].map((end) => {
    const position = text.lastIndexOf(end);
    return position === -1 ? 0 : position + end.length;
  });
  return Math.max(0, Math.max(...ends) - before.length);
}

function filtered(events: string): string {
  if (!HEARTBEAT.test(events)) return events;
  const kept = events.split(END_OF_EVENT).filter((event) => DATA.test(event));
  return kept.map((event) => `${event}\n\n`).join('');
}
