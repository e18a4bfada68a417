import { OptionError } from '@stratagem/core/runner';
import { findJsonMismatch } from '../util/plain-data.js';
import type { CachedResponse, CacheStore } from './cache-store.js';

/** A file of this age is no longer being written: the process that began it has ended. */
const ABANDONED_AFTER_MS = 3_600_000;
/** The name of a file that is being written ends with a UUID. */
const UNFINISHED = /\.json\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The version of the file format; files of another version are ignored. */
const VERSION = 1;

/**
 * Stores each response in a file of the directory, readable only by its owner. Any number of
 * processes may share the directory. A damaged or foreign file is ignored, and replaced by the next
 * response.
 *
 * @throws {OptionError} when the directory is missing.
 *
 * @example
 * const runner = cache(openai(), fileStore('.cache/answers'));
 */
export function fileStore(directory: string): CacheStore {
  if (typeof directory !== 'string' || directory === '') {
    throw new OptionError('fileStore() needs the path of a directory');
  }
  /** Directories from which this process has removed the files of processes that were killed. */
  const swept = new Map<string, Promise<void>>();
  const folderOf = (key: string) => `${directory}/${key.slice(0, 2)}`;
  const fileOf = (key: string) => `${folderOf(key)}/${key}.json`;
  return {
    async get(key) {
      const { readFile } = await files();
      const text = await readFile(fileOf(key), 'utf8').catch((error) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : parse(text, key);
    },
    async set(key, response) {
      const mismatch = findJsonMismatch(response.output);
      if (mismatch !== undefined) {
        const { path, what } = mismatch;
        throw new TypeError(`output${path} is ${what}, which JSON cannot represent`);
      }
      const text = JSON.stringify({ version: VERSION, key, ...response });
      const file = fileOf(key);
      const folder = folderOf(key);
      const { mkdir, rename, rm, writeFile } = await files();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const sweeping = swept.get(folder) ?? sweep(folder);
      swept.set(folder, sweeping);
      await sweeping;
      // Written under another name first, because other processes must never read a partial file.
      const temporary = `${file}.${crypto.randomUUID()}`;
      try {
        await writeFile(temporary, text, { mode: 0o600 });
        await rename(temporary, file);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}

/** Loaded when it is needed: browsers have no files. */
function files() {
  return import('node:fs/promises');
}

/** Removes files that processes left when they were killed in the middle of writing. */
async function sweep(folder: string): Promise<void> {
  const { readdir, rm, stat } = await files();
  // The store works without this, as when another process sweeps at the same time.
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => UNFINISHED.test(each))) {
    const file = `${folder}/${name}`;
    const { mtimeMs = Number.POSITIVE_INFINITY } = (await stat(file).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(file, { force: true }).catch(() => {});
  }
}

function parse(text: string, key: string): CachedResponse | undefined {
  try {
    const {
      version,
      key: storedKey,
      model,
      citations,
      serverToolCalls,
      ...rest
    } = JSON.parse(text);
    const { output, storedAt } = rest;
    if (version !== VERSION || storedKey !== key || !Number.isFinite(storedAt)) return undefined;
    return {
      ...{ output, storedAt },
      ...(typeof model === 'string' && { model }),
      ...(Array.isArray(citations) && { citations }),
      ...(Array.isArray(serverToolCalls) && { serverToolCalls }),
    };
  } catch {
    return undefined;
  }
}
