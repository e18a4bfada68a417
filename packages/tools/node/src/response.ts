import {
  type AttemptErrorCode,
  codeOfStatus,
  describe,
  parseRetryAfter,
  RunnerError,
} from '@stratagem/core/runner';
import type { Response } from 'undici';

/** How much of the body of a refusal is in its message. */
const SHOWN_BODY = 300;

/**
 * @param shown The request, for messages.
 * @param isSafe Whether the request may be repeated although it may have been carried out.
 * @throws {RunnerError} for every status but 2xx.
 */
export async function requireSuccess(
  response: Response,
  shown: string,
  isSafe: boolean,
): Promise<void> {
  const { ok, status, statusText, headers } = response;
  if (ok) return;
  const words = await beginningOf(response);
  const code = codeOf(status);
  const retryAfterMs = parseRetryAfter(headers);
  // The server says that it has not carried the request out.
  const isRefused = status === 429 || status === 503;
  const isFinal = status === 501 || status === 505 || (!isSafe && !isRefused);
  const reason = statusText === '' ? '' : ` ${statusText}`;
  throw new RunnerError(code, `${shown} answered ${status}${reason}${words && `: ${words}`}`, {
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(isFinal && { isRetryable: false }),
  });
}

function codeOf(status: number): AttemptErrorCode {
  if (status < 400) return 'invalid_request';
  // Unlike at the API of a model, where another request holds a lock, a conflict stays one.
  if (status === 409) return 'invalid_request';
  return status === 425 ? 'overloaded' : codeOfStatus(status);
}

async function beginningOf(response: Response): Promise<string> {
  try {
    const { bytes } = await readBytes(response, 4_000);
    const text = new TextDecoder().decode(bytes);
    const words = text.replace(/\s+/g, ' ').trim();
    return words.length > SHOWN_BODY ? `${words.slice(0, SHOWN_BODY)}…` : words;
  } catch {
    return '';
  }
}

/** A request that got no response. */
export function connectionError(shown: string, thrown: unknown, isSafe: boolean): RunnerError {
  const { cause = thrown } = thrown as { readonly cause?: unknown };
  if (cause instanceof RunnerError) return cause;
  const { code } = Object(cause) as { readonly code?: unknown };
  // A wrong certificate or address stays wrong.
  const isFinal = /^(CERT_|ERR_TLS|ERR_SSL|DEPTH_|SELF_SIGNED|UNABLE_TO|ENOTFOUND)/.test(`${code}`);
  // No connection, so nothing was carried out.
  const isUnsent = /^(ECONNREFUSED|EAI_AGAIN|UND_ERR_CONNECT)/.test(`${code}`);
  const isRetryable = !isFinal && (isSafe || isUnsent);
  return new RunnerError('connection', `${shown} failed: ${describe(cause)}`, {
    cause: thrown,
    ...(!isRetryable && { isRetryable }),
  });
}

interface BodyOptions {
  readonly maxBytes: number;
  readonly as: 'auto' | 'json' | 'text';
  /** Whether the request may be repeated although it has been carried out. */
  readonly isSafe: boolean;
  readonly signal: AbortSignal;
}

/**
 * The body of a response, as JSON or text.
 *
 * @throws {RunnerError} `invalid_output` when it is too long or not JSON; `connection` when it breaks off.
 */
export async function readBody(
  response: Response,
  shown: string,
  { maxBytes, as, isSafe, signal }: BodyOptions,
): Promise<unknown> {
  let read: Awaited<ReturnType<typeof readBytes>>;
  try {
    read = await readBytes(response, maxBytes);
  } catch (thrown) {
    signal.throwIfAborted();
    throw connectionError(shown, thrown, isSafe);
  }
  if (read.isCut) {
    throw new RunnerError('invalid_output', `${shown}: the body has more than ${maxBytes} bytes`);
  }
  const type = response.headers.get('content-type') ?? '';
  const text = decoderOf(type).decode(read.bytes);
  const isJson = as === 'json' || (as === 'auto' && /^[\w.+-]+\/([\w.+-]*\+)?json\b/i.test(type));
  if (!isJson) return text;
  if (as === 'auto' && text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const begins = text.trim().slice(0, 100);
    const message = `${shown}: the body is not JSON; it begins with ${JSON.stringify(begins)}`;
    throw new RunnerError('invalid_output', message, { cause });
  }
}

/** The beginning of a body, up to a limit, and whether there was more. */
async function readBytes(
  { body }: Response,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: length > maxBytes };
}

function decoderOf(contentType: string): TextDecoder {
  const charset = /charset="?([\w.:-]+)/i.exec(contentType)?.[1];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder(); // It names none that is known.
  }
}
