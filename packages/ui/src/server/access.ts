import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

/** A token that nobody guesses. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Cookies are shared by all ports of a host: each server has its own. */
const cookieName = (port: number) => `stratagem-${port}`;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface AccessOptions {
  readonly token: string;
  /** The port on which the server listens. */
  readonly port: () => number;
  /** Names under which the server may be called, without the port. */
  readonly hosts: readonly string[];
}

/**
 * Lets only those in who have the token, from pages of this server. The name of the host is checked, so
 * that no other site can reach the server through a name of its own.
 */
export function access({ token, port, hosts }: AccessOptions): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    const host = req.header('host') ?? '';
    if (!hosts.some((name) => host === `${name}:${port()}`)) {
      return refuse(context, 421, 'This server does not answer to that name.');
    }
    const origin = req.header('origin');
    if (origin !== undefined && origin !== `http://${host}`) {
      return refuse(context, 403, 'Pages of other sites may not call this server.');
    }
    if (isForeign(req.header('sec-fetch-site'), req.method)) {
      return refuse(context, 403, 'Pages of other sites may not call this server.');
    }
    const given = req.query('token');
    if (given !== undefined && req.method === 'GET' && req.path === '/') {
      if (!isEqual(given, token)) return refuse(context, 401, WRONG_TOKEN);
      // The page takes the token out of its address. A redirect from another site would lack the cookie.
      setCookie(context, cookieName(port()), token, {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/',
      });
    } else if (!isEqual(getCookie(context, cookieName(port())) ?? '', token)) {
      return refuse(context, 401, WRONG_TOKEN);
    }
    // A browser names the page that a change comes from.
    if (req.method !== 'GET' && req.method !== 'HEAD' && origin === undefined) {
      return refuse(context, 403, 'A change must come from a page of this server.');
    }
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    return undefined;
  };
}

const WRONG_TOKEN = 'Open the address that stratagem printed: it has the token of this server.';

/** A link on another site may open the page, and do nothing else. */
function isForeign(site: string | undefined, method: string): boolean {
  return (site === 'cross-site' || site === 'same-site') && method !== 'GET';
}

function refuse(context: Context, status: 401 | 403 | 421, message: string): Response {
  for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
  return context.text(message, status);
}

function isEqual(first: string, second: string): boolean {
  const [a, b] = [Buffer.from(first), Buffer.from(second)];
  return a.length === b.length && timingSafeEqual(a, b);
}
