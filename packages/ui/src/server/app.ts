import { hostname } from 'node:os';
import { isStratagemError } from '@stratagem/core';
import { Hono } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { type Action, CONTROLS } from '../model/extras.js';
import { loadAssets } from '../report/assets.js';
import { access } from './access.js';
import type { RunStore } from './run-store.js';
import type { WatchedRun } from './watched-run.js';

export interface AppOptions {
  readonly store: RunStore;
  readonly token: string;
  readonly journalName: string | undefined;
  readonly host: string;
  readonly port: () => number;
}

/** A comment on a quiet stream keeps it open, and finds out that a page has gone. */
const PING_MS = 15_000;
/** How long a browser waits before it opens a broken stream again. */
const RETRY_MS = 3_000;
/** How often the list of runs is looked at. */
const LIST_MS = 1_000;
/** An action is a few words. */
const MOST_BYTES = 1_000_000;

/** The page, its streams and its actions. */
export function createApp(options: AppOptions) {
  const { store, token, journalName, host, port } = options;
  const streams = new Set<SSEStreamingApi>();
  const app = new Hono();
  app.use(access({ token, port, hosts: hostsOf(host) }));

  app.get('/', (context) => context.html(pageOf(journalName)));
  app.get('/app.js', (context) => {
    return context.body(loadAssets().script, 200, { 'content-type': 'text/javascript' });
  });
  app.get('/app.css', (context) => {
    return context.body(loadAssets().style, 200, { 'content-type': 'text/css' });
  });

  app.get('/api/events', (context) =>
    streamSSE(context, async (stream) => {
      streams.add(stream);
      stream.onAbort(() => void streams.delete(stream));
      let last = '';
      while (!stream.aborted && !stream.closed) {
        const data = JSON.stringify(await store.list());
        if (data !== last) await stream.writeSSE({ event: 'runs', data, retry: RETRY_MS });
        last = data;
        await stream.sleep(LIST_MS);
      }
      streams.delete(stream);
    }),
  );

  app.get('/api/runs/:id/events', (context) =>
    streamSSE(context, async (stream) => {
      const last = context.req.header('last-event-id') ?? context.req.query('after');
      streams.add(stream);
      try {
        const run = await store.find(context.req.param('id'));
        if (run === undefined) await stream.writeSSE({ event: 'missing', data: '{}' });
        else await follow(stream, run, store, last);
      } finally {
        streams.delete(stream);
      }
    }),
  );

  app.get('/api/runs/:id/task', async (context) => {
    const run = await store.find(context.req.param('id'));
    const detail = run?.detail(context.req.query('id') ?? '');
    return detail === undefined
      ? context.text('There is no such task.', 404)
      : context.json(detail);
  });

  app.get('/api/runs/:id/search', async (context) => {
    const run = await store.find(context.req.param('id'));
    return context.json(run?.search(context.req.query('text') ?? '') ?? []);
  });

  app.get('/api/runs/:id/report', async (context) => {
    const id = context.req.param('id');
    const html = (await store.find(id))?.report();
    if (html === undefined) return context.text('There is no such run.', 404);
    const name = `run-${id.replace(/[^\w.-]/g, '').slice(0, 8)}.html`;
    return context.body(html, 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': `attachment; filename="${name}"`,
    });
  });

  app.post('/api/runs/:id/actions', async (context) => {
    const action = readAction(await context.req.text());
    if (action === undefined) return context.text('This is no action.', 400);
    const id = context.req.param('id');
    const run = await store.find(id);
    if (run === undefined) return context.text('There is no such run.', 404);
    try {
      if (action.control === 'retryFailed') await store.retry(id);
      else await run.act(action);
      return context.body(null, 204);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return context.text(message, isStratagemError(error) ? 409 : 500);
    }
  });

  return {
    fetch: app.fetch,
    get openStreams() {
      return streams.size;
    },
    endStreams() {
      for (const stream of streams) stream.abort();
      streams.clear();
    },
  };
}

/** Sends what changes, one message after another; a slow page gets fewer and larger ones. */
async function follow(
  stream: SSEStreamingApi,
  run: WatchedRun,
  store: RunStore,
  last: string | undefined,
): Promise<void> {
  let wake = () => {};
  let isChanged = true;
  const changed = () => {
    isChanged = true;
    wake();
  };
  const stops = [run.subscribe(changed), store.poll(run)];
  const ping = setInterval(() => void stream.write(': still here\n\n'), PING_MS);
  stream.onAbort(() => wake());
  let id = last;
  try {
    while (!stream.aborted && !stream.closed) {
      if (isChanged && run.model !== undefined) {
        isChanged = false;
        const { delta, isWhole, extras, id: next } = run.since(id);
        const data = JSON.stringify({ delta, extras });
        id = next;
        await stream.writeSSE({ event: isWhole ? 'reset' : 'change', data, id, retry: RETRY_MS });
      }
      if (isChanged && run.model !== undefined) continue;
      isChanged = false;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (stream.aborted) resolve();
      });
    }
  } finally {
    clearInterval(ping);
    for (const stop of stops) stop();
  }
}

function readAction(text: string): Action | undefined {
  if (text.length > MOST_BYTES) return undefined;
  try {
    const action = JSON.parse(text) as Action;
    const { control, maxParallel } = action;
    if (!CONTROLS.includes(control)) return undefined;
    const isLimit =
      maxParallel === undefined || maxParallel === null || Number.isInteger(maxParallel);
    return isLimit ? action : undefined;
  } catch {
    return undefined;
  }
}

/** The names under which a browser may call the server. */
function hostsOf(host: string): string[] {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  if (host === '0.0.0.0' || host === '::') return [...names, hostname()];
  return names.includes(host) ? names : [...names, host.includes(':') ? `[${host}]` : host];
}

function pageOf(journalName: string | undefined): string {
  const name = (journalName ?? '').replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const journal = journalName === undefined ? '' : ` data-journal="${name}"`;
  return [
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<title>Stratagem</title><link rel="stylesheet" href="app.css"></head>',
    `<body><div id="app"${journal}></div><script type="module" src="app.js"></script></body></html>\n`,
  ].join('');
}
