import { existsSync, readFileSync } from 'node:fs';
import { memoryJournal } from '@stratagem/core';
import { simulated } from '@stratagem/simulated';
import { timelineSvg } from '@stratagem/ui';
import { describe, expect, test, vi } from 'vitest';
import * as articleReview from './article-review.js';
import * as codeReview from './code-review.js';
import { DIFF, embed, GALLERY, TEXT } from './gallery.js';
import * as invoices from './invoices.js';
import * as manyMachines from './many-machines.js';
import * as nightly from './nightly.js';
import * as searchIndex from './search-index.js';
import { main as show } from './show.js';
import * as translation from './translation.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test.each(Object.entries(GALLERY))('%s runs, and its run can be drawn', async (_, { run }) => {
  const result = await run(1);
  expect(result.status, result.error?.message).toBe('completed');
  expect(timelineSvg(result)).toMatch(/^<svg /);
});

test('a program is shown by its name', async () => {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
  await show('translation', 1);
  expect(printed).toHaveBeenLastCalledWith('\n  completed');
  printed.mockRestore();
  await expect(show('toString')).rejects.toThrow(/^which program\? There are batch, /);
});

test('docs/gallery.md shows every program with its picture', () => {
  const page = read('../../../../docs/gallery.md');
  expect(Object.keys(GALLERY)).toHaveLength(12);
  for (const [name, { file }] of Object.entries(GALLERY)) {
    expect(page).toContain(`apps/examples/src/${file})`);
    for (const theme of ['light', 'dark']) {
      expect(page).toContain(`gallery/${name}-${theme}.svg`);
      const picture = new URL(`../../../../docs/gallery/${name}-${theme}.svg`, import.meta.url);
      expect(existsSync(picture), picture.href).toBe(true);
    }
  }
});

test('a program of the gallery is about a screen long', () => {
  for (const { file } of Object.values(GALLERY)) {
    if (file.startsWith('gallery/')) expect(read(`../${file}`).split('\n').length).toBeLessThan(90);
  }
});

describe('article-review', () => {
  const runner = () => simulated({ latencyMs: 1, respond: articleReview.respond });

  test('rewrites the text until the editor likes it', async () => {
    const { tasks } = await articleReview.run(runner(), async () => true);
    expect(tasks.find(({ id }) => id === 'improve')?.loop).toEqual({
      ending: 'reached',
      iterations: 2,
    });
  });

  test('publishes nothing that is rejected', async () => {
    const { status, tasks } = await articleReview.run(runner(), async () => false);
    expect(status).toBe('failed');
    expect(tasks.find(({ id }) => id === 'publish')?.status).toBe('skipped');
  });
});

test('invoices adds up by supplier, and goes without one that cannot be read', async () => {
  const { outputs } = await (GALLERY.invoices as (typeof GALLERY)[string]).run(1);
  expect(outputs.totals).toEqual({ 'Kettle Works': 150 });
  expect(invoices.respond().total).toBe(12.5);
});

test('search-index has a vector for each passage', async () => {
  const pages = [{ id: 'a', text: 'one two\n\nthree' }];
  const { outputs } = await searchIndex.run(pages, embed).then((result) => {
    if (result.status !== 'completed') throw result.error;
    return result;
  });
  expect(outputs.index.map(({ id }) => id)).toEqual(['a#0', 'a#1']);
  expect(outputs.index[0]?.vector.reduce((sum, each) => sum + each, 0)).toBe(2);
});

test('code-review keeps the defects that a second look confirms', async () => {
  const runner = simulated({ latencyMs: 1, respond: codeReview.respond });
  const { outputs } = await codeReview.run(runner, DIFF);
  expect(outputs.summary).toEqual([
    'src/limit.ts:3 The limit is off by one',
    'src/queue.ts:3 The limit is off by one',
  ]);
});

test('translation names the term that the model forgot', async () => {
  const runner = simulated({ latencyMs: 1, respond: translation.respond });
  const { outputs } = await translation.run(runner, TEXT, 'German');
  expect(outputs.check).toMatchObject({ broken: ['tide'] });
});

describe('nightly', () => {
  test('gives a second start the result of the first, and asks nothing again', async () => {
    const respond = vi.fn(() => 'a text');
    const runner = simulated({ latencyMs: 1, respond });
    const journal = memoryJournal();
    const first = await nightly.run(runner, journal, '2026-11-30');
    const second = await nightly.run(runner, journal, '2026-11-30');
    expect(second.outputs).toEqual(first.outputs);
    expect(respond).toHaveBeenCalledTimes(3);
  });

  test('raises the alarm when it fails', async () => {
    const alarm = vi.spyOn(console, 'error').mockImplementation(() => {});
    const broken = simulated({ latencyMs: 1, failureRate: 1, failureCode: 'refused' });
    const { status } = await nightly.run(broken, memoryJournal(), '2026-11-30');
    expect(status).toBe('failed');
    expect(alarm).toHaveBeenCalledWith('The report of 2026-11-30 has failed.');
    alarm.mockRestore();
  });
});

test('many-machines carries out each run once', async () => {
  const results = await manyMachines.run(simulated({ latencyMs: 1 }), ['a', 'b', 'c']);
  expect(results.map(({ result }) => result.status)).toEqual([
    'completed',
    'completed',
    'completed',
  ]);
});
