type Headers = Readonly<Record<string, string>>;

/** The real headers by the object that is shown in their place. */
const REAL = new WeakMap<Headers, Headers>();

/**
 * Headers whose values may be secrets, as an object that can be logged and stored: it shows the names
 * alone. A task keeps this object, so that no event, journal or dump of a plan has the values.
 */
export function hideHeaders(headers: Headers): Headers {
  if (REAL.has(headers)) return headers;
  const names = Object.keys(headers).map((name) => [name, '[redacted]']);
  const shown = Object.freeze(Object.fromEntries(names) as Headers);
  REAL.set(shown, Object.freeze({ ...headers }));
  return shown;
}

/** The headers themselves, for the request. */
export function revealHeaders(headers: Headers): Headers {
  return REAL.get(headers) ?? headers;
}
