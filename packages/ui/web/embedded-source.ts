import type { TaskDetail } from '../src/model/run-model.js';
import type { EmbeddedRun } from '../src/report/embedded-run.js';
import type { ShownRun, Source } from './source.js';

/** The runs inside a report: base64 of gzip of JSON, in scripts that no browser runs. */
export async function embeddedSource(): Promise<Source | undefined> {
  const runs = new Map<string, EmbeddedRun>();
  for (const element of document.querySelectorAll('script[type="application/x-run"]')) {
    const run = await unpack(element.textContent ?? '');
    runs.set(String(runs.size + 1), run);
  }
  if (runs.size === 0) return undefined;
  const shown = new Map<string, ShownRun>();
  return {
    isServed: false,
    keys: [...runs.keys()],
    watch(key, watcher) {
      const run = runs.get(key);
      if (run === undefined) watcher.missing();
      else {
        let entry = shown.get(key);
        if (entry === undefined) {
          entry = { model: run.model, extras: run.extras, receivedAt: performance.now() };
          shown.set(key, entry);
        }
        watcher.run(entry);
      }
      return () => {};
    },
    watchRuns: () => () => {},
    detail: async (key, taskId) => {
      const run = runs.get(key);
      const index = run?.model.tasks.findIndex(({ id }) => id === taskId) ?? -1;
      return run?.details[index];
    },
    search: async (key, text) => {
      const { model, details = [] } = runs.get(key) ?? {};
      const has = (detail: TaskDetail | undefined) =>
        [detail?.prompt, detail?.output, detail?.partial].some((each) =>
          each?.text.toLowerCase().includes(text),
        );
      return model?.tasks.filter((_, index) => has(details[index])).map(({ id }) => id) ?? [];
    },
    act: async () => {
      throw new Error('A report cannot change its run.');
    },
  };
}

async function unpack(base64: string): Promise<EmbeddedRun> {
  const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}
