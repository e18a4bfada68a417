/**
 * `fetch` for SDKs that read the error of a response from the field `error` of its body alone. Servers
 * that put the error elsewhere (at the top, in a list, as a text) would lose their words.
 */
export async function fetchWithErrors(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const response = await fetch(input, init);
  return response.ok ? response : withReadableError(response);
}

async function withReadableError(response: Response): Promise<Response> {
  const text = await wordsOf(response);
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  // They describe the body as it was sent.
  for (const name of ['content-length', 'content-encoding']) headers.delete(name);
  return new Response(readable(text), { status, statusText, headers });
}

/** How long the words of an error are waited for, in milliseconds: its status is known already. */
const WORDS_MS = 5_000;

/** The body, or what has arrived of one that breaks off or does not end. */
async function wordsOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), WORDS_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The connection broke.
  } finally {
    clearTimeout(timer);
  }
  return text + decoder.decode();
}

function readable(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return text;
  }
  const [first] = Array.isArray(body) ? body : [body];
  if (typeof first === 'string') return JSON.stringify({ error: { message: first } });
  const { error: given, type, ...beside } = Object(first) as Record<string, unknown>;
  const [error] = Array.isArray(given) ? given : [given];
  if (typeof error === 'object' && error !== null) {
    // Fields beside the error may say how long to wait.
    return JSON.stringify({ ...(type !== undefined && { type }), error: { ...beside, ...error } });
  }
  const message = typeof error === 'string' ? { message: error } : {};
  return JSON.stringify({ error: { ...Object(first), ...message } });
}
