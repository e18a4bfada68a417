import { useEffect, useState } from 'preact/hooks';
import type { Theme } from '../src/view/surface.js';
import { KeysDialog } from './keys.js';
import { usePlace } from './place.js';
import { RunPage } from './run-page.js';
import { Runs } from './runs.js';
import type { Connection, RunEntry, ShownRun, Source } from './source.js';

export function App({ source }: { source: Source }) {
  const [place, go] = usePlace();
  const system = useSystemTheme();
  const theme = place.theme ?? system;
  const [connection, setConnection] = useState<Connection>({ state: 'open' });
  const [showsKeys, setShowsKeys] = useState(false);
  document.documentElement.dataset.theme = theme;
  const key = source.isServed
    ? place.run
    : (source.keys.find((each) => each === place.run) ?? source.keys.at(-1));
  const setTheme = () => go({ theme: theme === 'dark' ? 'light' : 'dark' }, { replace: true });
  const [shown, isMissing] = useShownRun(source, key, setConnection);
  const id = shown?.model.runId ?? (source.isServed ? key : undefined);
  return (
    <>
      <header class="top">
        <a class="brand" href={source.isServed ? '#' : undefined}>
          <Mark />
          Stratagem
        </a>
        {key !== undefined && (
          <span class="crumb num">
            / <b>{id === undefined ? 'run' : id.slice(0, 13)}</b>
          </span>
        )}
        <span class="grow" />
        <button type="button" class="btn ghost hide-s" onClick={() => setShowsKeys(true)}>
          Keys
        </button>
        <button type="button" class="btn ghost" onClick={setTheme}>
          {theme === 'dark' ? 'Light theme' : 'Dark theme'}
        </button>
      </header>
      <ConnectionBar connection={connection} />
      {key === undefined ? (
        <RunList source={source} setConnection={setConnection} open={(run) => go({ run })} />
      ) : isMissing ? (
        <main class="empty">
          <h1>Unknown run</h1>
          <p class="mut">
            There is no run {key.slice(0, 40)} in {source.journal ?? 'this process'}.
          </p>
          {source.isServed && (
            <p>
              <a class="link" href="#">
                All runs
              </a>
            </p>
          )}
        </main>
      ) : shown === undefined ? (
        <main class="empty">
          <p class="mut">Loading…</p>
        </main>
      ) : (
        <RunPage
          key={key}
          {...{ source, shown, place, go, theme, setTheme }}
          runKey={key}
          showKeys={() => setShowsKeys(true)}
        />
      )}
      {showsKeys && <KeysDialog close={() => setShowsKeys(false)} />}
    </>
  );
}

function useSystemTheme(): Theme {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const [isDark, setDark] = useState(dark.matches);
  useEffect(() => {
    const change = () => setDark(dark.matches);
    dark.addEventListener('change', change);
    return () => dark.removeEventListener('change', change);
  }, []);
  return isDark ? 'dark' : 'light';
}

function useShownRun(
  source: Source,
  key: string | undefined,
  connection: (connection: Connection) => void,
): readonly [ShownRun | undefined, boolean] {
  const [entry, setEntry] = useState<{ key: string; run?: ShownRun; isMissing: boolean }>();
  useEffect(() => {
    if (key === undefined) return undefined;
    connection({ state: 'open' });
    return source.watch(key, {
      run: (run) => setEntry({ key, run, isMissing: false }),
      missing: () => setEntry({ key, isMissing: true }),
      connection,
    });
  }, [source, key]);
  if (entry === undefined || entry.key !== key) return [undefined, false];
  return [entry.run, entry.isMissing];
}

function RunList({
  source,
  setConnection,
  open,
}: {
  source: Source;
  setConnection: (connection: Connection) => void;
  open: (run: string) => void;
}) {
  const [runs, setRuns] = useState<readonly RunEntry[] | undefined>();
  useEffect(() => source.watchRuns(setRuns, { connection: setConnection }), [source]);
  useEffect(() => {
    document.title = 'Runs – Stratagem';
  }, []);
  if (runs === undefined) {
    return (
      <main class="empty">
        <p class="mut">Loading…</p>
      </main>
    );
  }
  return <Runs runs={runs} journal={source.journal} open={open} />;
}

/** Grey, above the page, never in the way. */
function ConnectionBar({ connection }: { connection: Connection }) {
  const [now, setNow] = useState(Date.now);
  const isLost = connection.state === 'lost';
  useEffect(() => {
    if (!isLost) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [connection]);
  const left = isLost ? Math.ceil((connection.retryAt - now) / 1_000) : 0;
  return (
    <div role="status" class="lost-holder">
      {connection.state === 'gone' && (
        <p class="lost">
          The program behind this page has ended, or cannot be reached. Reload the page to try
          again.
        </p>
      )}
      {isLost && (
        <p class="lost num">
          Connection lost. {left > 0 ? `Trying again in ${left} s.` : 'Trying again.'}
        </p>
      )}
    </div>
  );
}

function Mark() {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <rect x="1" y="2" width="8" height="4" rx="1.5" fill="var(--ok)" />
      <rect x="6" y="8" width="8" height="4" rx="1.5" fill="var(--accent)" />
      <rect x="11" y="14" width="8" height="4" rx="1.5" fill="var(--t1)" />
    </svg>
  );
}
