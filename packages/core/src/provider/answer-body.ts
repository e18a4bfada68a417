import { isRecord } from '../util/record.js';
import { JsonText } from './tool-input.js';

/** A body that holds neither events nor JSON, such as the page of a proxy. */
export class UnreadableAnswer extends Error {
  readonly contentType: string;
  /** The body, which may be long and contain secrets: the error is a cause, which logs show. */
  readonly #text: string;

  constructor(text: string, contentType: string | null) {
    super('the body holds neither events nor JSON');
    this.#text = text;
    this.contentType = contentType?.split(';')[0]?.trim() ?? '';
  }

  get text(): string {
    return this.#text;
  }
}

/** An error that a server wrote into an answer, where its SDK does not look for one. */
export class ServerFailure extends Error {
  /** The body of the error, or the error in it. */
  readonly error: unknown;
  readonly status: number | undefined;
  readonly requestID: string | undefined;

  constructor(
    error: unknown,
    response: {
      readonly status?: number | undefined;
      readonly requestID?: string | undefined;
    } = {},
  ) {
    super('the request failed');
    this.error = error;
    this.status = response.status;
    this.requestID = response.requestID;
  }
}

/** Whether the headers of a response announce JSON. */
export function announcesJson(headers: Pick<Headers, 'get'>): boolean {
  return /[/+]json\s*(;|$)/i.test(headers.get('content-type') ?? '');
}

/** Whether a text holds the events of a stream: some servers announce them as JSON. */
export function holdsEvents(text: string): boolean {
  return /^\s*(data|event|id|retry|error)?:/.test(text);
}

/**
 * The object in a body. What follows it is left out, as some servers write the same answer twice.
 *
 * @throws {UnreadableAnswer} for a body that does not begin with JSON.
 */
export function parseBody(text: string, contentType: string | null): Record<string, unknown> {
  const value = text.trim() === '' ? {} : valueIn(text, contentType);
  return Object(Array.isArray(value) ? value[0] : value);
}

function valueIn(text: string, contentType: string | null): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const begun = new JsonText();
    for (const character of text) {
      begun.add(character);
      if (begun.isWhole) break;
    }
    try {
      if (begun.isWhole) return JSON.parse(begun.text);
    } catch {}
    throw new UnreadableAnswer(text, contentType);
  }
}

/** The fields of which an answer has one. */
const OF_ANSWERS = ['choices', 'output', 'content', 'status'];

/** Whether a body is an error that has no field of its own for it. */
export function isBareError(body: Readonly<Record<string, unknown>>): boolean {
  if (body.object === 'error') return true;
  if (OF_ANSWERS.some((name) => body[name] != null)) return false;
  const { message, msg, detail, errors, base_resp } = body;
  // Cloudflare's.
  if (Array.isArray(errors) && errors.length > 0) return true;
  // MiniMax's.
  const { status_msg } = Object(base_resp) as { status_msg?: unknown };
  return [message, msg, detail, status_msg].some(
    (words) => typeof words === 'string' && words !== '',
  );
}

/** The error in a field of its own; undefined for null, false and an object without fields. */
export function errorIn(body: unknown): unknown {
  const { error } = Object(body) as { error?: unknown };
  if (!error || (isRecord(error) && Object.keys(error).length === 0)) return undefined;
  return error;
}
