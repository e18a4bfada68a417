import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Tool, ToolContext } from '@stratagem/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchTool } from './index.js';
import { isPrivateAddress } from './public-hosts.js';

/** Answers by path; remembers the requests. */
const requests: {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}[] = [];
const answers: Record<string, (response: ServerResponse, port: number) => void> = {
  '/json': (response) => json(response, 200, { n: 1 }),
  '/text': (response) => response.setHeader('content-type', 'text/plain').end('Hello'),
  '/latin': (response) =>
    response.setHeader('content-type', 'text/plain; charset=iso-8859-1').end(Buffer.from([0xe9])),
  '/empty': (response) => response.setHeader('content-type', 'application/json').end(),
  '/broken': (response) => response.setHeader('content-type', 'application/json').end('{"n":'),
  '/long': (response) => response.end('x'.repeat(2_000)),
  '/bomb': (response) =>
    response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(1_000_000))),
  '/busy': (response) => json(response.setHeader('retry-after', '7'), 503, { error: 'try later' }),
  '/gone': (response) => json(response, 404, {}),
  '/conflict': (response) => json(response, 409, {}),
  '/fails': (response) => json(response, 500, {}),
  '/moved': (response) => response.writeHead(302, { location: '/json' }).end(),
  '/loop': (response) => response.writeHead(302, { location: '/loop' }).end(),
  '/other': (response, port) =>
    response.writeHead(302, { location: `http://localhost:${port}/json` }).end(),
  '/inside': (response) => response.writeHead(302, { location: 'http://169.254.169.254/x' }).end(),
  '/file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/reset': (response) => response.socket?.destroy(),
  '/silent': () => {},
  '/cut': (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('x');
    setTimeout(() => response.socket?.destroy(), 20);
  },
};

function json(response: ServerResponse, status: number, value: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

const server = createServer(async (request, response) => {
  const body = await text(request).catch(() => undefined);
  // The client has left.
  if (body === undefined) return;
  const { method = '', url = '', headers } = request;
  requests.push({ method, url, headers, body });
  const answer = answers[new URL(url, 'http://x').pathname];
  answer?.(response, (server.address() as AddressInfo).port);
});
let base = '';
let host = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  base = `http://${host}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function call(made: Tool, input: object, signal = new AbortController().signal): Promise<unknown> {
  const given = { method: 'GET', as: 'auto', ...input };
  return made.execute(given, {
    signal,
    idempotencyKey: 'key-1',
  } as ToolContext) as Promise<unknown>;
}

const get = (path: string, more: object = {}, options: object = {}) =>
  call(fetchTool({ allowHosts: [host], ...options }), { url: base + path, ...more });

describe('fetchTool', () => {
  test('returns JSON by its content type, and text otherwise', async () => {
    expect(await get('/json')).toEqual({ n: 1 });
    expect(await get('/text')).toBe('Hello');
    expect(await get('/latin')).toBe('é');
    expect(await get('/empty')).toBeNull();
    expect(await get('/json', { as: 'text' })).toBe('{"n":1}');
    await expect(get('/text', { as: 'json' })).rejects.toMatchObject({ code: 'invalid_output' });
    await expect(get('/broken')).rejects.toThrow(
      'the body is not JSON; it begins with "{\\"n\\":"',
    );
  });

  test('sends method, parameters, headers and body', async () => {
    const headers = { 'X-Key': 'k', Authorization: 'Bearer t' };
    await get('/json?a=1', {
      method: 'POST',
      query: { q: 'a b&c', n: [1, true] },
      headers,
      body: { x: 1 },
    });
    expect(requests.at(-1)).toMatchObject({
      method: 'POST',
      url: '/json?a=1&q=a+b%26c&n=1&n=true',
      headers: {
        'x-key': 'k',
        authorization: 'Bearer t',
        'content-type': 'application/json',
        'idempotency-key': 'key-1',
      },
      body: '{"x":1}',
    });
    await get('/json', { method: 'PUT', body: 'as it is' });
    expect(requests.at(-1)).toMatchObject({ method: 'PUT', body: 'as it is' });
    expect(requests.at(-1)?.headers).not.toHaveProperty('idempotency-key');
  });

  test.each([
    ['/gone', {}, { code: 'not_found', status: 404 }],
    ['/busy', {}, { code: 'overloaded', status: 503, retryAfterMs: 7_000 }],
    ['/busy', { method: 'POST' }, { code: 'overloaded', isRetryable: undefined }],
    ['/fails', {}, { code: 'server_error', isRetryable: undefined }],
    ['/fails', { method: 'POST' }, { code: 'server_error', isRetryable: false }],
    ['/conflict', {}, { code: 'invalid_request' }],
    ['/reset', {}, { code: 'connection', isRetryable: undefined }],
    ['/reset', { method: 'PATCH' }, { code: 'connection', isRetryable: false }],
    ['/cut', {}, { code: 'connection', isRetryable: undefined }],
    ['/cut', { method: 'POST' }, { code: 'connection', isRetryable: false }],
  ])('fails for %s %j with a code by its status', async (path, more, error) => {
    const thrown = await get(path, more).catch((failure: object) => failure);
    const fields = Object.keys(error) as (keyof typeof error)[];
    expect(Object.fromEntries(fields.map((name) => [name, Object(thrown)[name]]))).toEqual(error);
  });

  test('says what was asked and answered, without the parameters', async () => {
    await expect(get('/busy', { query: { token: 'secret' } })).rejects.toThrow(
      `GET ${base}/busy?… answered 503 Service Unavailable: {"error":"try later"}`,
    );
  });

  test('limits the size, also of what is compressed', async () => {
    await expect(get('/long', {}, { maxBytes: 1_999 })).rejects.toThrow('more than 1999 bytes');
    expect(await get('/long', {}, { maxBytes: 2_000 })).toHaveLength(2_000);
    await expect(get('/bomb', {}, { maxBytes: 10_000 })).rejects.toThrow('more than 10000 bytes');
  });

  test('stops when the attempt does', async () => {
    const stop = new AbortController();
    const made = fetchTool({ allowHosts: [host] });
    const waiting = call(made, { url: `${base}/silent` }, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test.each([
    ['GET', undefined],
    ['POST', false],
  ])(
    'takes no longer than its limit; a %s then has isRetryable %s',
    async (method, isRetryable) => {
      const thrown = await get('/silent', { method }, { timeoutMs: 20 }).catch((error) => error);
      expect(thrown).toMatchObject({ code: 'timeout', message: 'no result within 20 ms' });
      expect(Object(thrown).isRetryable).toBe(isRetryable);
    },
  );

  test('follows redirects of a GET, and leaves its headers at the first origin', async () => {
    const { port } = server.address() as AddressInfo;
    const options = { allowHosts: [host, `localhost:${port}`] };
    const headers = { authorization: 'Bearer t', 'x-key': 'k' };
    expect(await get('/moved', { headers })).toEqual({ n: 1 });
    expect(requests.at(-1)?.headers).toMatchObject(headers);
    expect(await get('/other', { headers }, options)).toEqual({ n: 1 });
    expect(requests.at(-1)?.headers).toMatchObject({ host: `localhost:${port}` });
    expect(requests.at(-1)?.headers).not.toHaveProperty('authorization');
    expect(requests.at(-1)?.headers).not.toHaveProperty('x-key');
    await expect(get('/loop', {}, { maxRedirects: 2 })).rejects.toThrow('more than 2 redirects');
    await expect(get('/moved', { method: 'POST' })).rejects.toThrow('use that address');
    await expect(get('/file')).rejects.toThrow('leads to an address that is not HTTP');
  });

  test('asks no private host, by address, by name or by redirect', async () => {
    const made = fetchTool();
    const urls = [
      base,
      'http://localhost:65000/',
      'http://[::1]/',
      'http://[::ffff:10.0.0.1]/',
      'http://2130706433/',
    ];
    for (const url of urls) {
      await expect(call(made, { url })).rejects.toMatchObject({ code: 'permission_denied' });
    }
    await expect(get('/inside')).rejects.toMatchObject({ code: 'permission_denied' });
    // Another port of an allowed host is another service.
    await expect(
      call(fetchTool({ allowHosts: ['127.0.0.1:1'] }), { url: base }),
    ).rejects.toMatchObject({
      code: 'permission_denied',
    });
    expect(await call(fetchTool({ allowHosts: ['127.0.0.1'] }), { url: `${base}/json` })).toEqual({
      n: 1,
    });
  });

  test.each([
    [{ url: 'ftp://x/' }, 'begins with http:// or https://'],
    [{ url: 'x' }, 'begins with http:// or https://'],
    [{ url: 'http://user:pass@x/' }, 'must not have a user'],
    [{ url: 'http://x/', body: 'x' }, 'a GET has no body'],
    [{ url: 'http://x/', headers: { 'a b': 'x' } }, 'a header has an invalid name or value'],
    [
      { url: 'http://x/', headers: { a: 'x\n' + 'y: secret' } },
      'a header has an invalid name or value',
    ],
  ])('refuses %j', async (input, message) => {
    const failure = await call(fetchTool(), input).catch((error: Error) => error);
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message).not.toContain('secret');
  });

  test('reuses the outputs of a GET alone', () => {
    const { reusable } = fetchTool();
    const isReusable = reusable as (input: object) => boolean;
    expect([isReusable({}), isReusable({ method: 'POST' })]).toEqual([true, false]);
  });

  test.each([
    { timeoutMs: 0 },
    { maxBytes: 0.5 },
    { maxRedirects: -1 },
    { hosts: [] },
    { allowHosts: ['a/b'] },
  ])('refuses the option %j', (options) => {
    expect(() => fetchTool(options as never)).toThrow('fetchTool()');
  });
});

test.each([
  ['8.8.8.8', false],
  ['2606:4700::1111', false],
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.31.0.1', true],
  ['192.168.1.1', true],
  ['169.254.169.254', true],
  ['100.64.0.1', true],
  ['0.0.0.0', true],
  ['::1', true],
  ['::ffff:192.168.0.1', true],
  ['::ffff:8.8.8.8', false],
  ['fd00::1', true],
  ['fe80::1', true],
  ['64:ff9b::7f00:1', true],
  ['not an address', true],
])('%s is private: %s', (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate);
});
