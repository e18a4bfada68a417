import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import type { TaskRunner } from '@stratagem/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { attempt, request } from '../attempt.js';
import { type Reply, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

const ENCODINGS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
const TEXT = 'Größe 💡 日本語';

/** How requests and answers travel: compressed, in pieces, through proxies, and many at once. */
export function transportConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  describe.each(subject.apis)('bodies, through $name', ({ options, wholeAnswer, textEvent }) => {
    const ask = (more: object = {}, context = attempt()) =>
      subject.create(server.url, { ...options, ...more }).run(request('Why?'), context);
    const whole = Buffer.from(JSON.stringify(wholeAnswer?.(TEXT)));
    const failed = Buffer.from(JSON.stringify(subject.errorBody({ message: 'Not now.' })));

    test.each(Object.entries(ENCODINGS))('%s', async (encoding, compress) => {
      const send =
        (status: number, body: Buffer): Reply =>
        (response) => {
          const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
          response.writeHead(status, headers).end(compress(body));
        };
      server.replyWith(send(200, whole), send(503, failed));
      expect(await ask({ stream: false })).toMatchObject({ output: TEXT });
      await expect(ask()).rejects.toMatchObject({
        code: 'overloaded',
        message: expect.stringContaining('Not now.'),
      });
    });

    test('a compressed stream, which is read as it arrives', async () => {
      let interrupt = () => {};
      server.replyWith((response) => {
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'content-encoding': 'gzip',
        });
        const gzip = createGzip();
        gzip.pipe(response);
        const events = [...subject.opening, textEvent('Beca')];
        for (const event of events) gzip.write(subject.wire.write(event));
        gzip.flush();
        interrupt = () => void response.destroy();
      });
      let text = '';
      const emit = (part: unknown): undefined => {
        text += part;
        // The server waits for this text before it breaks off.
        interrupt();
      };
      const failure = ask({ stream: true }, attempt({ emit }));
      await expect(failure).rejects.toMatchObject({ code: 'connection' });
      expect(text).toBe('Beca');
    });

    test('a body that breaks off is a broken connection', async () => {
      server.replyWith((response) => {
        const headers = { 'content-type': 'application/json', 'content-length': whole.length };
        response.writeHead(200, headers).write(whole.subarray(0, whole.length / 2));
        // Leaves the client time to receive the headers.
        setTimeout(() => response.destroy(), 30);
      });
      await expect(ask({ stream: false })).rejects.toMatchObject({ code: 'connection' });
    });

    test.skipIf(subject.sdk === undefined).each([
      ['', 'no answer'],
      ['null', 'no answer'],
      ['{"answer":"Hi"}', 'JSON that is no answer of this API'],
    ])('%j is no answer', async (body, what) => {
      server.replyWith((response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      });
      await expect(ask()).rejects.toMatchObject({
        code: 'server_error',
        message: `${subject.label}: the server sent ${what}; is the base URL right?`,
      });
    });

    test('a stream in pieces that ignore the borders of characters', async () => {
      server.replyWith(inPieces(subject.saying({ text: TEXT })));
      expect(await ask()).toMatchObject({ output: TEXT });
    });

    test('a hundred at once, which leave their connections to the next hundred', async () => {
      const ports = new Set<unknown>();
      server.replyWith((response, received) => {
        ports.add(response.socket?.remotePort);
        const [number] = /number \d+/.exec(JSON.stringify(received.body)) ?? [];
        subject.saying({ text: `It is ${number}.` })(response, received);
      });
      const runner = subject.create(server.url, options);
      const turns = async () => {
        for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      };
      for (let wave = 0; wave < 2; wave++) {
        const asked = Array.from({ length: 100 }, (_, index) =>
          runner.run(request(`Say number ${index}`), attempt()),
        );
        const outputs = (await Promise.all(asked)).map(({ output }) => output);
        expect(outputs).toEqual(asked.map((_, index) => `It is number ${index}.`));
        await turns();
      }
      expect(ports.size).toBeLessThan(150);
    });
  });

  const { sdk } = subject;
  if (sdk === undefined) return;
  describe('a base URL with a path and a query', () => {
    afterEach(() => vi.unstubAllEnvs());
    const origin = () => new URL(server.url).origin;
    const pathOf = async (runner: TaskRunner) => {
      server.replyWith(subject.saying({ text: 'Yes.' }));
      await runner.run(request('Why?'), attempt());
      return server.requests[0]?.path;
    };

    test('is the address of the requests', async () => {
      const pathAt = (base: string) => pathOf(subject.create(origin() + base));
      const path = await pathAt('');
      expect(await pathAt('/a%20b/v9')).toBe(`/a%20b/v9${path}`);
      expect(await pathAt('/a/v9/')).toBe(`/a/v9${path}`);
      expect(await pathAt('/a/v9?team=x%2By')).toBe(`/a/v9${path}?team=x%2By`);
      expect(await pathAt('/a/?team=x&b=1')).toBe(`/a${path}?team=x&b=1`);
    });

    test('may come from the environment', async () => {
      const plain = sdk.create({ apiKey: subject.apiKey, baseURL: origin() });
      const path = await pathOf(plain);
      vi.stubEnv(`${sdk.environment}_BASE_URL`, `${origin()}/a?team=x`);
      expect(await pathOf(sdk.create({ apiKey: subject.apiKey }))).toBe(`/a${path}?team=x`);
    });
  });
}

/** The same reply in small pieces, as networks may deliver it. */
function inPieces(reply: Reply): Reply {
  return async (response, received) => {
    const written: Uint8Array[] = [];
    const end = response.end.bind(response);
    const write = response.write.bind(response);
    const keep = (text?: unknown) => {
      if (typeof text === 'string') written.push(Buffer.from(text));
      return true;
    };
    response.write = keep;
    const whole = new Promise<void>((resolve) => {
      response.end = ((text?: unknown) => {
        keep(text);
        resolve();
        return response;
      }) as typeof response.end;
    });
    reply(response, received);
    await whole;
    response.socket?.setNoDelay(true);
    const bytes = Buffer.concat(written);
    for (let from = 0; from < bytes.length; from += 7) {
      write(bytes.subarray(from, from + 7));
      await new Promise(setImmediate);
    }
    end();
  };
}
