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
  // A response that breaks off has no words.
  const text = await response.text().catch(() => '');
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  // They describe the body as it was sent.
  for (const name of ['content-length', 'content-encoding']) headers.delete(name);
  return new Response(readable(text), { status, statusText, headers });
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
