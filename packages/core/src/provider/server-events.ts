/** One event of a stream, as the server wrote it. */
export interface ServerEvent {
  /** Undefined for an event without a name. */
  readonly name: string | undefined;
  /** Its lines of data, joined; empty for an event without data. */
  readonly data: string;
}

/** The events of a body. */
export interface ServerEvents extends AsyncGenerator<ServerEvent[], string> {
  /**
   * Ends the events when nothing arrives for this time, in milliseconds, as the answer is complete: some
   * servers neither send a last event nor close the connection. Undefined waits for the end.
   */
  expectEnd(quietMs: number | undefined): void;
}

/**
 * Reads the events of a `text/event-stream` body. The events that arrive in one piece of the body come
 * together, so that a reader waits once for each piece. The body is canceled soon after the reader stops.
 *
 * Lines may end with LF, CR or CRLF, and pieces may end anywhere, also within a character. The last
 * event needs no blank line after it, nor does one whose data is an object. A line `error: …` is an event.
 *
 * @returns The text of a body without events, such as JSON or a page; empty for all others.
 * @throws what the body throws when the connection breaks.
 */
export function serverEvents(body: Response['body']): ServerEvents {
  const ending: Ending = { quietMs: undefined };
  return Object.assign(readEvents(body, ending), {
    expectEnd(quietMs: number | undefined) {
      ending.quietMs = quietMs;
    },
  });
}

/** Whether the end of a body is expected, and after how much silence. */
interface Ending {
  quietMs: number | undefined;
}

async function* readEvents(
  body: Response['body'],
  ending: Ending,
): AsyncGenerator<ServerEvent[], string> {
  if (body === null) return '';
  const reader = readerOf(body);
  const lines = new EventLines();
  const decoder = new TextDecoder();
  let isDone = false;
  try {
    for (;;) {
      const { quietMs } = ending;
      const piece = await (quietMs === undefined ? reader.read() : readWithin(reader, quietMs));
      isDone = piece?.done === true;
      if (piece === undefined || isDone) break;
      const events = lines.add(textOf(piece.value, decoder));
      if (events.length > 0) yield events;
    }
    const events = lines.end(decoder.decode());
    if (events.length > 0) yield events;
    return lines.others;
  } finally {
    if (!isDone) leave(reader, ending.quietMs !== undefined);
  }
}

/** The next piece; undefined when none arrives in time. */
async function readWithin(reader: Reader, quietMs: number): Promise<Piece | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      // While other work kept the process busy, a piece may have arrived that nobody has read yet.
      timer = setTimeout(() => resolve(undefined), 0);
    }, quietMs);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long a body may take to end after its last event, in milliseconds. */
const GRACE_MS = 100;

/**
 * Leaves a body that is not read to its end. Nobody waits for it: a server may keep the connection open
 * after the last event. Mostly the end arrives at once; the connection then serves the next request, while
 * canceling would close it.
 *
 * @param isEnding Whether the answer is complete: marks that still arrive are read. Otherwise the model
 * may go on for long, and the next piece cancels the body.
 */
function leave(reader: Reader, isEnding: boolean): void {
  const ignore = () => {};
  const cancel = async () => reader.cancel();
  const timer = setTimeout(() => void cancel().catch(ignore), GRACE_MS);
  const readOn = async () => {
    let isDone = false;
    do isDone = (await reader.read()).done === true;
    while (isEnding && !isDone);
    if (!isDone) await cancel();
  };
  void readOn()
    .catch(ignore)
    .finally(() => clearTimeout(timer));
}

interface Piece {
  readonly done?: boolean | undefined;
  readonly value?: unknown;
}

interface Reader {
  read(): Promise<Piece>;
  cancel(): unknown;
}

/** The `fetch` of a client may give bodies that are no web streams. */
function readerOf(body: NonNullable<Response['body']>): Reader {
  if (typeof body.getReader === 'function') return body.getReader();
  const pieces = (body as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  return { read: () => pieces.next(), cancel: () => pieces.return?.() };
}

function textOf(piece: unknown, decoder: TextDecoder): string {
  if (typeof piece === 'string') return piece;
  return decoder.decode(piece as Uint8Array, { stream: true });
}

/** Joins pieces of text to lines, and lines to events. */
class EventLines {
  /** The beginning of a line whose end has not arrived. */
  #held: string[] = [];
  /** Whether the last piece ended with CR, so that LF at the beginning of the next ends no line. */
  #endsWithReturn = false;
  #name: string | undefined;
  #data: string | undefined;
  /** The lines that are no fields of an event, until the first event. */
  #others: string[] | undefined = [];

  get others(): string {
    return this.#others?.join('\n') ?? '';
  }

  add(piece: string): ServerEvent[] {
    const text = this.#withLineFeeds(piece);
    const events: ServerEvent[] = [];
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start);
      if (end === -1) break;
      let line = text.slice(start, end);
      if (this.#held.length > 0) {
        line = this.#held.join('') + line;
        this.#held = [];
      }
      start = end + 1;
      if (line !== '') this.#take(line, events);
      else this.#dispatch(events);
    }
    if (start < text.length) this.#held.push(text.slice(start));
    return events;
  }

  /** The body has ended with this piece. */
  end(piece: string): ServerEvent[] {
    const events = this.add(`${piece}\n`);
    this.#dispatch(events);
    return events;
  }

  #withLineFeeds(piece: string): string {
    const text = this.#endsWithReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    if (piece !== '') this.#endsWithReturn = piece.endsWith('\r');
    return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text;
  }

  #take(line: string, events: ServerEvent[]): void {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value =
      colon === -1 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      if (this.#data !== undefined && isObject(this.#data)) this.#dispatch(events);
      // Some gateways add the name of the field to a line that has it.
      const data = value.startsWith('data:') ? value.slice('data:'.length).trimStart() : value;
      this.#data = this.#data === undefined ? data : `${this.#data}\n${data}`;
    } else if (field === 'event') this.#name = value;
    else if (field === 'error') {
      // Of older servers of llama.cpp.
      this.#name = field;
      this.#data = value;
    } else if (field !== '' && field !== 'id' && field !== 'retry') this.#others?.push(line);
  }

  #dispatch(events: ServerEvent[]): void {
    if (this.#data === undefined && this.#name === undefined) return;
    this.#others = undefined;
    events.push({ name: this.#name || undefined, data: this.#data ?? '' });
    this.#name = this.#data = undefined;
  }
}

/** Whether the data of an event is a whole object, so that another line of data begins another event. */
function isObject(data: string): boolean {
  if (!data.startsWith('{') || !data.endsWith('}')) return false;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

/**
 * The value of the data of an event.
 *
 * @throws {SyntaxError} when it is not JSON.
 */
export function parseEvent(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    // The message of the engine would quote the data.
    throw new SyntaxError('the server sent an event that is not JSON');
  }
}

/** The body of an error that a server wrote into a stream, as JSON or as a text. */
export function parseErrorEvent(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
