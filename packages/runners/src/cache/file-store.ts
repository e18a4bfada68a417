import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OptionError } from '@stratagem/core';
import { jsonObstacle } from '../util/plain-data.js';
import type { CachedAnswer, CacheStore } from './cache-store.js';

/** Written into each file; those of another version are not read. */
const VERSION = 1;

/**
 * Keeps answers in files of this directory, one each, readable only by their owner. Any number of
 * processes may share it. A file that is damaged, or of another program, is no answer and is
 * replaced by the next one.
 *
 * @throws {OptionError} when the directory is not named.
 *
 * @example
 * const runner = cache(openai(), fileStore('.cache/answers'));
 */
export function fileStore(directory: string): CacheStore {
  if (typeof directory !== 'string' || directory === '') {
    throw new OptionError('fileStore() takes the path of a directory');
  }
  const fileOf = (key: string) => join(directory, key.slice(0, 2), `${key}.json`);
  return {
    async get(key) {
      const text = await readFile(fileOf(key), 'utf8').catch((error) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : parse(text, key);
    },
    async set(key, answer) {
      const obstacle = jsonObstacle(answer.output);
      if (obstacle !== undefined) {
        const { path, what } = obstacle;
        throw new TypeError(`its output${path} is ${what}, which a file cannot hold`);
      }
      const text = JSON.stringify({ version: VERSION, key, ...answer });
      const file = fileOf(key);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      // Never half of it: others read while we write.
      const draft = `${file}.${randomUUID()}`;
      try {
        await writeFile(draft, text, { mode: 0o600 });
        await rename(draft, file);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
  };
}

function parse(text: string, key: string): CachedAnswer | undefined {
  try {
    const { version, key: own, output, model, storedAt } = JSON.parse(text);
    if (version !== VERSION || own !== key || !Number.isFinite(storedAt)) return undefined;
    return { output, storedAt, ...(typeof model === 'string' && { model }) };
  } catch {
    return undefined;
  }
}
