import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunnerError, type TaskRunner } from '@stratagem/core';
import { expect, test } from 'vitest';
import { balance, fallback, hedge, rateLimit, replay, withOptions } from './index.js';

const working: TaskRunner = { name: 'working', run: async () => ({ output: 'x' }) };
const keyless: TaskRunner = {
  ...working,
  name: 'keyless',
  supportedOptions: ['temperature'],
  check: () => Promise.reject(new RunnerError('missing_api_key', 'no key')),
};

test('a wrapper is checked by what it wraps', async () => {
  for (const runner of [
    rateLimit(keyless, { requestsPerMinute: 1 }),
    withOptions(keyless, { temperature: 0 }),
  ]) {
    await expect(runner.check?.()).rejects.toThrow('no key');
  }
});

test('a runner of several fails its check when none of them can work', async () => {
  await expect(fallback([keyless, keyless]).check?.()).rejects.toThrow('no key');
  await expect(fallback([keyless, working]).check?.()).resolves.toBeUndefined();
  await expect(balance([working, keyless]).check?.()).resolves.toBeUndefined();
  await expect(hedge(keyless, { to: working, afterMs: 1 }).check?.()).resolves.toBeUndefined();
});

test('a replay reads its recording', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stratagem-check-'));
  const file = join(folder, 'recording.jsonl');
  await expect(replay({ file }).check?.()).rejects.toThrow(`cannot read ${file}`);
  await writeFile(file, '{"not": "a recording"}\n');
  await expect(replay({ file }).check?.()).rejects.toThrow('is not a complete recording');
  await writeFile(file, '');
  await expect(replay({ file }).check?.()).resolves.toBeUndefined();
  await rm(folder, { recursive: true });
});
