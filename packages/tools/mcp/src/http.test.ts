import { afterEach, describe, expect, test, vi } from 'vitest';
import { call } from '../test/call.js';
import { type HttpServer, modernTools, serve, sessionTools } from '../test/http-server.js';
import { arrived } from '../test/tools.js';
import { type McpTools, mcpTools } from './index.js';
import type { McpHttpOptions } from './options.js';

const servers: HttpServer[] = [];
const clients: McpTools[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) server.kill();
});

async function start(handle: Parameters<typeof serve>[0]) {
  const server = await serve(handle);
  servers.push(server);
  return server;
}

async function connect(server: HttpServer, options: Omit<McpHttpOptions, 'url'> = {}) {
  const client = await mcpTools({ url: server.url, ...options });
  clients.push(client);
  return client;
}

describe.each([
  ['of the newer era', () => modernTools()],
  ['of the older era, with sessions', () => sessionTools().handle],
])('a server %s', (_, handler) => {
  test('is recognised, and its tools can be called', async () => {
    const tools = await connect(await start(handler()));
    expect(tools.tools.map(({ name }) => name)).toContain('greet');
    expect(await call(tools, 'add', { a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(await Promise.all([call(tools, 'meet'), call(tools, 'meet')])).toEqual([
      'We met.',
      'We met.',
    ]);
  });

  test('receives the headers with each request', async () => {
    const server = await start(handler());
    const tools = await connect(server, { headers: { authorization: 'Bearer a-secret-token' } });
    await call(tools, 'greet', { name: 'Ada' });
    expect(server.requests.length).toBeGreaterThan(2);
    for (const { headers } of server.requests) {
      expect(headers.get('authorization')).toBe('Bearer a-secret-token');
    }
  });

  test('receives the token of an auth provider', async () => {
    const server = await start(handler());
    await connect(server, { authProvider: { token: async () => 'a-fresh-token' } });
    expect(server.requests.at(-1)?.headers.get('authorization')).toBe('Bearer a-fresh-token');
  });

  test('is notified of a canceled call', async () => {
    const tools = await connect(await start(handler()));
    const before = JSON.parse(String(await call(tools, 'canceled'))).length;
    const controller = new AbortController();
    const { hang } = arrived;
    const hanging = call(tools, 'hang', {}, controller.signal);
    await expect.poll(() => arrived.hang).toBe(hang + 1);
    controller.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
    const canceled = async () => JSON.parse(String(await call(tools, 'canceled')));
    await expect.poll(canceled).toHaveLength(before + 1);
  });

  test('that dies during a call fails that call at once, and all later ones', async () => {
    const server = await start(handler());
    const tools = await connect(server, { timeoutMs: 3_600_000 });
    const hanging = call(tools, 'hang');
    hanging.catch(() => {});
    await call(tools, 'greet', { name: 'Ada' });
    server.kill();
    await expect(hanging).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringMatching(/^MCP server "test-server": /),
    });
    await expect(call(tools, 'greet', { name: 'Ada' })).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

test('a session is ended when the connection is closed', async () => {
  const { handle, sessions } = sessionTools();
  const server = await start(handle);
  const tools = await connect(server);
  expect(sessions.size).toBe(1);
  await Promise.all([tools.close(), tools.close()]);
  expect(sessions.size).toBe(0);
  expect(server.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
  await expect(call(tools, 'greet', { name: 'Ada' })).rejects.toThrow(
    'MCP server "test-server": the connection has been closed',
  );
});

describe.each([
  ['404', 404, 'not found'],
  ['400 and words about the session', 400, 'Bad Request: No valid session ID provided'],
])('a session that the server has forgotten, with status %s,', (_, status, message) => {
  /** Forgets the session of each of the calls with these positions, from 0. */
  async function forgetting(isLost: (calls: number) => boolean) {
    const { handle, sessions } = sessionTools();
    let calls = 0;
    const server = await start(async (request) => {
      const id = request.headers.get('mcp-session-id');
      if (id !== null && request.method === 'POST') {
        const { method } = (await request.clone().json()) as { method: string };
        if (method === 'tools/call' && isLost(calls++)) sessions.delete(id);
      }
      if (id === null || sessions.has(id)) return handle(request);
      const error = { code: -32_000, message };
      return Response.json({ jsonrpc: '2.0', error, id: null }, { status });
    });
    return { tools: await connect(server), sessions, calls: () => calls };
  }

  test('is replaced by a new one, and the call is made once more', async () => {
    const { tools, sessions, calls } = await forgetting((position) => position === 0);
    expect(await call(tools, 'add', { a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(calls()).toBe(2);
    expect(sessions.size).toBe(1);
    expect(await call(tools, 'greet', { name: 'Ada' })).toContain('Hello Ada');
    expect(calls()).toBe(3);
  });

  test('is replaced by one for the calls of one turn', async () => {
    const { tools, sessions } = await forgetting((position) => position < 2);
    const sums = [1, 2].map((b) => call(tools, 'add', { a: 1, b }));
    expect(await Promise.all(sums)).toEqual([{ sum: 2 }, { sum: 3 }]);
    expect(sessions.size).toBe(1);
  });

  test('is not replaced again and again', async () => {
    const { tools, calls } = await forgetting(() => true);
    const failing = call(tools, 'add', { a: 1, b: 2 });
    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('MCP server "test-server": '),
    });
    expect(calls()).toBe(2);
  });
});

test('an older server without Streamable HTTP is used over server-sent events', async () => {
  const server = await start(oldServer());
  const tools = await connect(server);
  expect(tools.tools.map(({ name }) => name)).toEqual(['echo']);
  expect(await call(tools, 'echo', { word: 'hi' })).toBe('{"word":"hi"}');
});

describe('a server that cannot be reached', () => {
  test('is an error with the address, without the parts that may be secret', async () => {
    const server = await start(modernTools());
    server.kill();
    const url = `${server.url}?key=a-secret-key`;
    const failure = await mcpTools({ url }).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      name: 'RunnerError',
      code: 'connection',
      message: expect.stringContaining(`MCP server "${server.url}": no connection`),
    });
    expect(spread(failure)).not.toMatch(/a-secret-key/);
  });

  test.each([
    [401, 'authentication'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [500, 'server_error'],
    [503, 'overloaded'],
  ])(
    'because it answers with %i, fails as %s, and what it quotes is not repeated',
    async (status, code) => {
      const quote = (request: Request) =>
        `no: ${request.headers.get('authorization')?.split(' ')[1]}`;
      const server = await start(async (request) => new Response(quote(request), { status }));
      const headers = { authorization: 'Bearer a-secret-token' };
      const failure = await mcpTools({ url: server.url, headers }).catch((thrown) => thrown);
      expect(failure).toMatchObject({ name: 'RunnerError', code });
      expect(spread(failure)).not.toContain('a-secret-token');
    },
  );

  test('because it never responds, is an error after the time limit', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = await start(() => new Promise(() => {}));
    const failure = mcpTools({ url: server.url, timeoutMs: 5_000 }).catch((thrown) => thrown);
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 100_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await failure).toMatchObject({
      code: 'timeout',
      message: `MCP server "${server.url}": no response within 5000 ms`,
    });
  });
});

/** All that an error would show anybody. */
function spread(failure: unknown): string {
  const { message, stack, cause } = failure as Error;
  return [message, stack, JSON.stringify(failure), cause === undefined ? '' : spread(cause)].join();
}

/** A server as they were until 2025: answers come on one stream of events. */
function oldServer(): Parameters<typeof serve>[0] {
  let stream: ReadableStreamDefaultController<string> | undefined;
  const send = (event: string, data: string) =>
    stream?.enqueue(`event: ${event}\ndata: ${data}\n\n`);
  const results: Record<string, (params: { arguments?: object }) => object> = {
    initialize: () => ({
      protocolVersion: '2024-11-05',
      capabilities: { tools: {} },
      serverInfo: { name: 'old-server', version: '1' },
    }),
    'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
    'tools/call': (params) => ({
      content: [{ type: 'text', text: JSON.stringify(params.arguments) }],
    }),
  };
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === 'GET') {
      const body = new ReadableStream<string>({
        start(controller) {
          stream = controller;
          send('endpoint', '/messages');
        },
      }).pipeThrough(new TextEncoderStream());
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    }
    if (pathname !== '/messages') return new Response('no such place', { status: 405 });
    const { id, method, params } = (await request.json()) as {
      id?: number;
      method: string;
      params: { arguments?: object };
    };
    const result = results[method]?.(params);
    if (id !== undefined) send('message', JSON.stringify({ jsonrpc: '2.0', id, result }));
    return new Response(null, { status: 202 });
  };
}
