import { expect, test } from 'vitest';
import { listedJobs } from './listed-jobs.js';

async function idsOf(list: () => AsyncIterable<{ readonly id: string }>) {
  const ids: string[] = [];
  for await (const { id } of listedJobs(list)) ids.push(id);
  return ids;
}

test('a list ends where a server answers with its first page again', async () => {
  async function* endless() {
    for (;;) yield* [{ id: 'a' }, { id: 'b' }];
  }
  expect(await idsOf(endless)).toEqual(['a', 'b']);
});

test.each([404, 405, 501])('a server without a list (%i) has no jobs', async (status) => {
  // biome-ignore lint/correctness/useYield: it fails before its first job.
  async function* missing(): AsyncGenerator<{ id: string }> {
    throw Object.assign(new Error('no'), { status });
  }
  expect(await idsOf(missing)).toEqual([]);
});

test('any other error is one', async () => {
  async function* broken() {
    yield { id: 'a' };
    throw Object.assign(new Error('no'), { status: 403 });
  }
  await expect(idsOf(broken)).rejects.toThrow('no');
});
