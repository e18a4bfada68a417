import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { type Journal, OptionError } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/journal';
import type { RunExtras } from '../model/extras.js';
import { newToken } from './access.js';
import { createApp } from './app.js';
import type { RunControls, WatchableRun } from './controls.js';
import { type Retry, RunStore } from './run-store.js';

export interface ServeOptions {
  /** The recorded runs that the page lists and shows. */
  readonly journal?: Journal | undefined;
  /** What the page calls the journal, such as ".stratagem". */
  readonly journalName?: string | undefined;
  /**
   * The address on which the server listens. Whoever can reach it and has the token can change runs.
   * @default '127.0.0.1'
   */
  readonly host?: string | undefined;
  /** @default a free port */
  readonly port?: number | undefined;
  /** @default a random one */
  readonly token?: string | undefined;
  /** Runs again what failed in a recorded run. Without it, the page does not offer that. */
  readonly retry?: Retry | undefined;
  /**
   * How to change a run of the journal that another process carries out, such as
   * `(runId) => controlRun(queue, runId)`. Without it, the page does not offer that.
   */
  readonly controlOf?: ((runId: string) => RunControls) | undefined;
  /** What the page knows of a run beside its log. */
  readonly extrasOf?: ((runId: string) => RunExtras) | undefined;
}

export interface RunServer {
  /** The address of the page, with its token. */
  readonly url: string;
  /** The address of one run. */
  urlOf(runId: string): string;
  /** Shows a run of this process, with all that its handle offers. */
  attach(run: WatchableRun, extras?: RunExtras): void;
  /** The number of pages that are open. */
  readonly pages: number;
  /** Ends all streams and stops listening. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const OPTIONS = [
  'journal',
  'journalName',
  'host',
  'port',
  'token',
  'retry',
  'controlOf',
  'extrasOf',
] as const;

/**
 * Serves a live page of runs: those of this process that are attached, and those of a journal. It
 * listens on the loopback interface alone, unless `host` says otherwise.
 *
 * Rejects when it cannot listen, for example because the port is in use.
 *
 * @example
 * const server = await serveRuns({ journal });
 * console.log(`Watch at ${server.url}`);
 * const run = executor.execute(plan);
 * server.attach(run);
 * await run;
 * await server.close();
 */
export async function serveRuns(options: ServeOptions = {}): Promise<RunServer> {
  checkOptions('serveRuns()', options, OPTIONS);
  const { journal, journalName, host = '127.0.0.1', port = 0, token = newToken() } = options;
  if (typeof token !== 'string' || token.length < 8) {
    throw new OptionError('serveRuns() needs a token of at least 8 letters');
  }
  const { retry, controlOf, extrasOf = () => ({}) } = options;
  const store = new RunStore({ journal, extrasOf, retry, controlOf });
  let listening = 0;
  const app = createApp({ store, token, journalName, host, port: () => listening });
  const server = await listen(app, host, port);
  listening = (server.address() as AddressInfo).port;
  const name = host.includes(':') ? `[${host}]` : host;
  const url = `http://${isAnyAddress(host) ? 'localhost' : name}:${listening}/?token=${token}`;
  const close = async () => {
    app.endStreams();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      if ('closeAllConnections' in server) server.closeAllConnections();
    });
  };
  return {
    url,
    urlOf: (runId) => `${url}#run=${encodeURIComponent(runId)}`,
    attach: (run, extras) => store.attach(run, extras),
    get pages() {
      return app.openStreams;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(app: ReturnType<typeof createApp>, hostname: string, port: number) {
  return new Promise<ServerType>((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, () => resolve(server));
    server.once('error', reject);
  });
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
