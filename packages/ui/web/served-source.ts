import { applyDelta, type ModelDelta } from '../src/model/delta.js';
import type { Action, RunExtras } from '../src/model/extras.js';
import type { RunModel } from '../src/model/run-model.js';
import type { RunEntry, Source, Watcher } from './source.js';

/** How long until a lost stream is opened again. */
const RETRY_MS = 3_000;
/** After so many failures in a row, a minute, nothing is tried again. */
const MOST_FAILURES = 20;

interface RunMessage {
  readonly delta: ModelDelta;
  readonly extras: RunExtras;
}

/** The program that served the page of such a run has usually ended with it. */
const ENDED: readonly RunModel['status'][] = ['completed', 'failed', 'canceled'];

/** The runs of a server, live. */
export function servedSource(journal: string | undefined): Source {
  return {
    isServed: true,
    keys: [],
    journal,
    watch(key, watcher) {
      let model: RunModel | undefined;
      return stream(
        `api/runs/${encodeURIComponent(key)}/events`,
        watcher,
        {
          change: (data) => {
            const { delta, extras } = data as RunMessage;
            model = applyDelta(model, delta);
            watcher.run({ model, extras, receivedAt: performance.now() });
          },
          // The server sends the log from its start: discard the earlier events.
          reset: (data) => {
            const { delta, extras } = data as RunMessage;
            model = applyDelta(undefined, delta);
            watcher.run({ model, extras, receivedAt: performance.now() });
          },
          missing: () => watcher.missing(),
        },
        () => model !== undefined && ENDED.includes(model.status),
      );
    },
    watchRuns: (shown, watcher) =>
      stream('api/events', watcher, {
        runs: (data) => shown(data as readonly RunEntry[]),
      }),
    async detail(key, taskId) {
      const path = `api/runs/${encodeURIComponent(key)}/task?id=${encodeURIComponent(taskId)}`;
      const response = await fetch(path);
      if (!response.ok) throw new Error(await problemOf(response));
      return response.json();
    },
    async search(key, text) {
      const path = `api/runs/${encodeURIComponent(key)}/search?text=${encodeURIComponent(text)}`;
      const response = await fetch(path);
      return response.ok ? response.json() : [];
    },
    async act(key, action: Action) {
      const response = await fetch(`api/runs/${encodeURIComponent(key)}/actions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(action),
      });
      if (!response.ok) throw new Error(await problemOf(response));
    },
  };
}

async function problemOf(response: Response): Promise<string> {
  const text = await response.text();
  return text === '' ? `The server answered ${response.status}.` : text;
}

/**
 * Reads server-sent events. The browser opens a broken stream again and names the last event; where it
 * gives up, this does.
 *
 * @param hasEnded Whether nothing more will come, so that a lost stream need not be opened again.
 */
function stream(
  path: string,
  { connection }: Pick<Watcher, 'connection'>,
  on: Readonly<Record<string, (data: unknown) => void>>,
  hasEnded: () => boolean = () => false,
): () => void {
  let events: EventSource | undefined;
  let timer: number | undefined;
  let isOver = false;
  let last = '';
  let failures = 0;
  const open = () => {
    events = new EventSource(last === '' ? path : `${path}?after=${encodeURIComponent(last)}`);
    events.onopen = () => {
      failures = 0;
      connection({ state: 'open' });
    };
    for (const [name, handle] of Object.entries(on)) {
      events.addEventListener(name, (event) => {
        last = event.lastEventId;
        handle(JSON.parse(event.data));
      });
    }
    events.addEventListener('missing', () => close());
    events.onerror = () => {
      if (isOver) return;
      failures++;
      if (hasEnded() || failures > MOST_FAILURES) {
        close();
        connection({ state: 'gone' });
        return;
      }
      connection({ state: 'lost', retryAt: Date.now() + RETRY_MS });
      if (events?.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    };
  };
  const close = () => {
    isOver = true;
    events?.close();
    clearTimeout(timer);
  };
  open();
  return close;
}
