import { RunnerError } from '@stratagem/core/runner';

type Scalar = string | number | boolean;

/**
 * The address of a call, with the parameters of `query`.
 *
 * @throws {RunnerError} `invalid_input` when it is no address of HTTP.
 */
export function addressOf({
  url: text,
  query = {},
}: {
  readonly url: string;
  readonly query?: Readonly<Record<string, Scalar | readonly Scalar[]>> | undefined;
}): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    const message = 'url must be an address that begins with http:// or https://';
    throw new RunnerError(
      'invalid_input',
      `${message}; it is ${JSON.stringify(text.slice(0, 200))}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    const message = 'url must not have a user or a password; use the header authorization';
    throw new RunnerError('invalid_input', message);
  }
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values].flat()) url.searchParams.append(name, String(value));
  }
  url.hash = '';
  return url;
}

/** An address for messages: without parameters, which may be secrets. */
export function shownAddress({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}
