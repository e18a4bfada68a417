/**
 * Makes the pictures of README.md and docs/watching.md from a simulated run, with Chromium:
 *
 *   pnpm build && pnpm --filter @stratagem/ui pictures
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { renderReport } from '../dist/index.js';
import { diligenceRun } from '../test/sample-runs.ts';

const docs = join(import.meta.dirname, '../../../docs');
const folder = mkdtempSync(join(tmpdir(), 'stratagem-pictures-'));
const file = join(folder, 'run.html');
writeFileSync(
  file,
  renderReport(diligenceRun(), {
    runId: 'fa9418cb-b5ae-4c1e-9d0c-1a2b3c4d5e6f',
    retryCommand: 'stratagem resume fa9418cb --journal .stratagem --retry-failed',
  }),
);

/** What each picture shows: where on the page, how wide the window is, and which elements. */
const PICTURES = [
  { name: 'watching', width: 1_200, from: '.title', to: '.why' },
  { name: 'watching-timeline', width: 1_200, from: '.main > .bar', to: '.gantt' },
  { name: 'watching-graph', width: 1_100, hash: 'tab=graph', from: '.graph', to: '.graph' },
  {
    name: 'watching-task',
    width: 1_200,
    hash: 'tab=tasks&task=edit-3',
    from: '.split',
    to: '.split',
    height: 900,
  },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  for (const theme of ['light', 'dark']) {
    for (const { name, width, from, to, hash = '', height = 1_000 } of PICTURES) {
      const viewport = { width, height };
      const page = await browser.newPage({
        viewport,
        deviceScaleFactor: 1.5,
        reducedMotion: 'reduce',
      });
      await page.goto(`${pathToFileURL(file).href}#theme=${theme}&${hash}`);
      await page.waitForSelector(to);
      await page.waitForTimeout(300);
      const [top, end] = [await box(page, from), await box(page, to)];
      // Above the title there is room; above the others stands something else.
      const y = Math.max(0, top.y - (from === '.title' ? 20 : 6));
      const clip = { x: 0, y, width, height: end.y + end.height + 20 - y, scale: 1 };
      const session = await page.context().newCDPSession(page);
      const options = { format: 'webp', quality: 90, captureBeyondViewport: true, clip };
      const { data } = await session.send('Page.captureScreenshot', options);
      const path = join(docs, `${name}-${theme}.webp`);
      writeFileSync(path, Buffer.from(data, 'base64'));
      console.log(path, `${Math.round(statSync(path).size / 1_000)} kB`);
      await page.close();
    }
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

async function box(page, selector) {
  return page.locator(selector).first().boundingBox();
}
