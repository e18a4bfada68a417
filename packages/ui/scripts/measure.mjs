/**
 * Measures a report of 5,000 tasks in Chromium: how long it takes to load and to draw, and the frames
 * while it is zoomed and scrolled.
 *
 *   pnpm build && pnpm --filter @stratagem/ui measure
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { renderReport } from '../dist/index.js';
import { documentsRun } from '../test/sample-runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'stratagem-measure-'));
const file = join(folder, 'run.html');
writeFileSync(file, renderReport(documentsRun()));
console.log(`report of 5,000 tasks: ${Math.round(statSync(file).size / 1_000)} kB`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  for (const mode of ['slots', 'groups', 'tasks']) {
    const page = await browser.newPage({ viewport: { width: 1_440, height: 1_000 } });
    await page.goto(`${pathToFileURL(file).href}#mode=${mode}`);
    await page.waitForSelector('.gantt canvas');
    await page.waitForTimeout(500);
    const loaded = await page.evaluate(
      'performance.getEntriesByName("timeline").find(({ duration }) => duration > 0.5)?.startTime',
    );
    await watchFrames(page);
    const box = await page.locator('.gantt').boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + 300);
    await page.keyboard.down('Control');
    for (let step = 0; step < 60; step++) {
      await page.mouse.wheel(0, step < 40 ? -60 : 60);
      await page.waitForTimeout(16);
    }
    await page.keyboard.up('Control');
    report(`${mode}: zoom`, await framesOf(page), await drawsOf(page));
    if (loaded !== undefined) console.log(`${mode}: first chart after ${Math.round(loaded)} ms`);
    if (mode === 'tasks') {
      await watchFrames(page);
      for (let step = 0; step < 60; step++) {
        await page.mouse.wheel(0, 120);
        await page.waitForTimeout(16);
      }
      report(`${mode}: scroll`, await framesOf(page), await drawsOf(page));
    }
    await page.close();
  }
  const page = await browser.newPage({ viewport: { width: 1_440, height: 1_000 } });
  await page.goto(`${pathToFileURL(file).href}#tab=tasks`);
  await page.waitForSelector('.tr.row');
  const box = await page.locator('.vscroll').boundingBox();
  await page.mouse.move(box.x + 300, box.y + 200);
  await watchFrames(page);
  for (let step = 0; step < 80; step++) {
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(16);
  }
  report('table: scroll', await framesOf(page), []);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

async function watchFrames(page) {
  await page.evaluate(`
    performance.clearMeasures();
    window.frames_ = [];
    window.last_ = performance.now();
    (function next(now) {
      if (now) { window.frames_.push(now - window.last_); window.last_ = now; }
      window.raf_ = requestAnimationFrame(next);
    })();
    window.long_ = 0;
    new PerformanceObserver((list) => { window.long_ += list.getEntries().length; }).observe({ type: 'longtask' });
    0`);
}

async function framesOf(page) {
  return page.evaluate(
    'cancelAnimationFrame(window.raf_); ({ frames: window.frames_, long: window.long_ })',
  );
}

async function drawsOf(page) {
  return page.evaluate('performance.getEntriesByName("timeline").map(({ duration }) => duration)');
}

function report(what, { frames, long }, draws) {
  const at = (list, share) => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)] ?? 0;
  const ms = (list) => `p50 ${at(list, 0.5).toFixed(1)} ms, p95 ${at(list, 0.95).toFixed(1)} ms`;
  const drawn = draws.length > 0 ? `; draw ${ms(draws)}` : '';
  console.log(`${what}: frame ${ms(frames)}, tasks over 50 ms: ${long}${drawn}`);
}
