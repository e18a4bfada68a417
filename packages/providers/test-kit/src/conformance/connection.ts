import { inspect } from 'node:util';
import type { RunContext } from '@stratagem/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { attempt, request, type TestAttempt } from '../attempt.js';
import { type Reply, reset, silence, streamsOf, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Connections that fail or break, and servers that go silent. */
export function connectionConformance(subject: ProviderSubject): void {
  const { apiKey, begun, label, sdk } = subject;
  const { hang } = streamsOf(subject.wire);
  const server = testServer(subject.basePath);
  const ask = (context = attempt(), options = {}, baseURL = server.url) =>
    subject.create(baseURL, options).run(request('Why?'), context);

  describe('a connection', () => {
    test('that breaks before the answer', async () => {
      server.replyWith(reset);
      await expect(ask()).rejects.toMatchObject({
        code: 'connection',
        ...(sdk && {
          message: expect.stringContaining(`${label}: no connection to ${server.url}: `),
          cause: expect.any(sdk.connectionError),
        }),
      });
      expect(server.requests).toHaveLength(1);
    });

    test('that breaks in the middle of the answer', async () => {
      let interrupt = () => {};
      server.replyWith((response, received) => {
        hang(begun.events)(response, received);
        interrupt = () => void response.destroy();
      });
      const emitted: unknown[] = [];
      const emit = (part: unknown): undefined => {
        emitted.push(part);
        // The server breaks off when its text has been read.
        if (part === begun.text) interrupt();
      };
      await expect(ask(attempt({ emit }))).rejects.toMatchObject({
        code: 'connection',
        message: expect.stringContaining('the connection broke in the middle of the answer'),
        cause: expect.any(Error),
      });
      expect(emitted).toContainEqual(begun.text);
      expect(server.requests).toHaveLength(1);
    });

    if (sdk === undefined) return;
    describe('of an SDK', () => {
      const nowhere = `http://127.0.0.1:1${subject.basePath}`;

      test('to a server that does not exist', async () => {
        await expect(ask(attempt(), {}, nowhere)).rejects.toMatchObject({
          code: 'connection',
          message: expect.stringMatching(new RegExp(`no connection to ${nowhere}: .*fetch failed`)),
        });
      });

      test('to a URL with a query, which stays hidden', async () => {
        const thrown = await ask(attempt(), {}, `${nowhere}?token=to%2Bken-7`).catch((e) => e);
        expect(thrown).toMatchObject({
          code: 'connection',
          message: expect.stringContaining(`no connection to ${nowhere}`),
        });
        expect(inspect(thrown, { depth: 9 })).not.toMatch(/ken-7/);
      });

      test('with a stream that is not JSON, which the SDK would print', async () => {
        const print = vi.spyOn(console, 'error');
        server.replyWith((response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.end(`event: message_start\ndata: {"your key is ${apiKey}\n\n`);
        });
        await expect(ask()).rejects.toMatchObject({ code: 'server_error' });
        expect(print).not.toHaveBeenCalled();
        print.mockRestore();
      });
    });
  });

  /** The beginning of a JSON body. */
  const beginJson =
    (status: number): Reply =>
    (response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).write('{"id":');
    };

  describe.each<[string, Reply, string[], object?]>([
    ['before the answer', silence, []],
    ['after the headers of the answer', hang([]), []],
    ['in the middle of the answer', hang(begun.events), [begun.text]],
    ['in the middle of a whole answer', beginJson(200), [], { stream: false }],
    ['in the middle of an error', beginJson(503), []],
  ])('a server that goes silent %s', (_, reply, emitted, options = {}) => {
    afterEach(() => vi.useRealTimers());
    /** Resolves when the server is silent; time that is virtual does not pass. */
    const isSilent = async (context: TestAttempt) => {
      const isBegun = () => server.requests.length > 0 && context.emitted.length >= emitted.length;
      while (!isBegun()) await new Promise(setImmediate);
      expect(context.emitted).toEqual(emitted);
    };

    test('is left when the run stops', async () => {
      server.replyWith(reply);
      const controller = new AbortController();
      const context = attempt({ signal: controller.signal });
      const answer = ask(context, options);
      await isSilent(context);
      const reason = new Error('enough');
      controller.abort(reason);
      await expect(answer).rejects.toMatchObject({ code: 'aborted', cause: reason });
      await server.closed;
    });

    test.each<[string, Partial<RunContext>, object]>([
      ['after timeoutMs', {}, { timeoutMs: 300 }],
      ['when the time of the attempt is over', { remainingMs: 300 }, {}],
    ])('is left %s', async (_, given, limit) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      server.replyWith(reply);
      const context = attempt(given);
      const failure = ask(context, { ...options, ...limit }).catch((thrown) => thrown);
      await isSilent(context);
      await vi.advanceTimersByTimeAsync(300);
      expect(await failure).toMatchObject({
        code: 'timeout',
        message: 'no complete answer within 300 ms',
      });
      await server.closed;
      expect(server.requests).toHaveLength(1);
    });
  });
}
