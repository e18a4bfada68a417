import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createExecutor, memoryJournal, type RunEvent } from '@stratagem/core';
import { findForks } from '@stratagem/core/journal';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { expect, test } from 'vitest';
import { diligenceRun, documentsRun, researchRun } from '../../test/sample-runs.js';
import { renderReport } from '../index.js';
import { loadAssets } from './assets.js';
import type { EmbeddedRun } from './embedded-run.js';

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<!--<script>',
  '<img src=x onerror=alert(1)>',
  '\u2028\u2029',
  '\u202egnp.exe',
  '\u001b[31mred\u001b[0m',
  '\ud800lone',
  '\u0000',
];

function runWith(output: unknown): readonly RunEvent[] {
  const plan = { goal: HOSTILE.join(' '), tasks: [{ id: 'a', description: HOSTILE.join(' ') }] };
  return simulate(plan, {
    strategy: parallel(),
    attempt: () => ({ durationMs: 10, output }),
  }).timeline;
}

function embedded(html: string): EmbeddedRun[] {
  const scripts = html.matchAll(/<script type="application\/x-run">([^<]*)<\/script>/g);
  return Array.from(scripts, ([, base64 = '']) =>
    JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString()),
  );
}

test('the policy allows the script and the style of the report alone', () => {
  const html = renderReport(runWith('x'));
  const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
  const [, script = ''] = /<script type="module">(.*?)<\/script>/s.exec(html) ?? [];
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ]);
});

test('nothing that a model or a plan wrote is markup', () => {
  const html = renderReport(runWith(HOSTILE));
  const elements = html.replace(loadAssets().script, '').match(/<\/?[a-z!][^\s>]*/gi) ?? [];
  expect(elements.sort()).toEqual(
    [
      ...['<!doctype', '<html', '<head', '<meta', '<meta', '<meta', '<meta', '<title', '</title'],
      ...['<style', '</style', '</head', '<body', '<div', '</div', '<noscript', '</noscript'],
      ...['<script', '</script', '<script', '</script', '</body', '</html'],
    ].sort(),
  );
  const [run] = embedded(html);
  for (const text of HOSTILE.slice(0, -2))
    expect(run?.details[0]?.output?.text).toContain(JSON.stringify(text).slice(1, -1));
});

test('an output of 10 MB is cut, and the report says how long it was', () => {
  const [run] = embedded(renderReport(runWith('x'.repeat(10_000_000))));
  expect(run?.details[0]?.output).toEqual({ text: 'x'.repeat(20_000), cutFrom: 10_000_000 });
  const [short] = embedded(renderReport(runWith('x'.repeat(100)), { maxTextLength: 7 }));
  expect(short?.details[0]?.output).toEqual({ text: 'xxxxxxx', cutFrom: 100 });
});

test('texts are shorter where there are many long ones', () => {
  const tasks = Array.from({ length: 1_000 }, (_, index) => ({
    id: `t${index}`,
    description: 'x',
  }));
  const { timeline } = simulate(
    { goal: 'x', tasks },
    { strategy: parallel(), attempt: () => ({ durationMs: 1, output: 'y'.repeat(100_000) }) },
  );
  const [run] = embedded(renderReport(timeline));
  const all = run?.details.reduce((sum, { output }) => sum + (output?.text.length ?? 0), 0) ?? 0;
  expect(all).toBeLessThan(4_100_000);
  expect(run?.details[0]?.output?.cutFrom).toBe(100_000);
});

test('a report of 5,000 tasks has at most 1 MB', () => {
  expect(Buffer.byteLength(renderReport(documentsRun()))).toBeLessThan(1_000_000);
});

test('the front end has at most 60 kB of JavaScript and 8 kB of CSS, compressed', () => {
  const { script, style } = loadAssets();
  expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(60_000);
  expect(gzipSync(style, { level: 9 }).length).toBeLessThanOrEqual(8_000);
});

test('nothing in the front end evaluates text, or writes it as markup', () => {
  const { script } = loadAssets();
  expect(script).not.toMatch(/\beval\(|new Function\(|document\.write|insertAdjacentHTML/);
  for (const file of ['app.tsx', 'panel.tsx', 'run-page.tsx']) {
    const source = readFileSync(new URL(`../../web/${file}`, import.meta.url), 'utf8');
    expect(source).not.toContain('dangerouslySetInnerHTML');
  }
});

test('a report has two runs when they are compared, the one it is about last', () => {
  const html = renderReport(diligenceRun(), {
    runId: 'second',
    compareWith: diligenceRun({ maxParallel: 6 }),
    retryCommand: 'stratagem resume second --retry-failed',
  });
  const runs = embedded(html);
  expect(runs.map(({ model }) => model.caps[0]?.[1])).toEqual([6, 12]);
  expect(runs[1]).toMatchObject({
    model: { runId: 'second' },
    extras: { retryCommand: 'stratagem resume second --retry-failed' },
  });
});

test('a report says what a replay with another limit takes, where that would have helped', () => {
  const [waiting] = embedded(renderReport(documentsRun(200)));
  expect(waiting?.extras.replay).toMatch(/^With a limit of (128|256): about \d/);
  const [research] = embedded(renderReport(researchRun()));
  expect(research?.extras.replay).toBeUndefined();
  const [diligence] = embedded(renderReport(diligenceRun()));
  expect(diligence?.extras.replay).toContain('Without rate limits: about ');
});

test('events that can be read only once are enough', () => {
  const [run] = embedded(renderReport(new Set(diligenceRun()).values()));
  expect(run?.extras.replay).toContain('about');
});

test('an unknown option of a report is an error', () => {
  expect(() => renderReport(runWith('x'), { maxText: 5 } as never)).toThrow(/maxTextLength/);
});

test('a report names the run that it was forked from, and the forks of its own', async () => {
  const journal = memoryJournal();
  const runner = { name: 'none', run: async () => ({ output: 'x' }) };
  const executor = createExecutor({ strategy: parallel(), runner, journal });
  const plan = { goal: 'x', tasks: [{ id: 'a', description: 'A' }] };
  await executor.execute(plan, { runId: 'one' });
  const result = await executor.fork('one', { runId: 'two', tasks: ['a'] });
  await executor.fork('two', { runId: 'three', tasks: ['a'] });
  const [run] = embedded(renderReport(result, { forks: await findForks(journal, 'two') }));
  const text = expect.stringMatching(/^at event \d+: runs "a" again$/);
  expect(run?.model.forkedFrom).toEqual({ runId: 'one', text });
  expect(run?.extras.forks).toEqual([{ runId: 'three', text }]);
});
