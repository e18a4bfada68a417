/**
 * Checks the built site, and takes pictures of its pages with Chromium:
 *
 *   pnpm docs:build && pnpm --filter @stratagem/docs check [FOLDER FOR PICTURES]
 *
 * Nothing on any page may come from another host: no font, script, picture, analytics.
 */
import { existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const site = join(import.meta.dirname, '../.vitepress/dist');
const [, , pictures] = process.argv;
const problems = [];

/** What a browser loads by itself; a link that a reader follows may lead anywhere. */
const LOADED =
  /<(?:script|img|source|iframe|video|audio)[^>]+(?:src|srcset)="(?:https?:)?\/\/[^"]+|<link(?![^>]+rel="canonical")[^>]+href="(?:https?:)?\/\/[^"]+|url\(["']?(?:https?:)?\/\/[^)]+|@import\s+["'](?:https?:)?\/\/[^"']+/g;
const files = globSync('**/*.{html,css}', { cwd: site });
if (files.length < 50) problems.push(`there are only ${files.length} pages: pnpm docs:build`);
for (const file of files) {
  for (const [found] of readFileSync(join(site, file), 'utf8').matchAll(LOADED)) {
    problems.push(`${file}: ${found}`);
  }
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  const candidates = [path, `${path}.html`, `${path}/index.html`].map((each) => join(site, each));
  const file = candidates.find((each) => existsSync(each) && statSync(each).isFile());
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' });
  response.end(readFileSync(file));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

/** All pages but those of the API, which look alike. */
const PAGES = [
  ...files
    .filter((file) => file.endsWith('.html') && !file.startsWith('api/') && file !== '404.html')
    .map((file) => `/${file.replaceAll('\\', '/').replace(/(index)?\.html$/, '')}`)
    .sort(),
  '/api/',
  '/api/@stratagem/parallel',
];

/** The index of the search is a file of the site: it works where nothing else can be reached. */
async function checkSearch() {
  const page = await browser.newPage();
  await page.goto(`${origin}/concepts`);
  await page.keyboard.press('Control+k');
  await page.locator('.VPLocalSearchBox input').fill('budget');
  const results = page.locator('.VPLocalSearchBox .result');
  await results.first().waitFor();
  const texts = await results.allInnerTexts();
  if (!texts.some((text) => text.includes('Budgets')))
    problems.push(`a search for "budget" finds ${texts.join(', ')}`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  // Themes differ in colours alone, so the dark one is for pictures.
  for (const theme of pictures === undefined ? ['light'] : ['light', 'dark']) {
    for (const width of [390, 768, 1_280]) {
      const context = await browser.newContext({
        viewport: { width, height: width === 390 ? 844 : 800 },
        colorScheme: theme,
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      page.on('request', (request) => {
        if (!request.url().startsWith(origin) && !request.url().startsWith('data:'))
          problems.push(`${page.url()} requests ${request.url()}`);
      });
      page.on('response', (response) => {
        if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
      });
      page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
      for (const path of PAGES) {
        await page.goto(origin + path);
        const found = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          tables: [...document.querySelectorAll('.vp-doc table')]
            .filter((table) => table.scrollWidth > table.clientWidth + 1)
            .map((table) => table.querySelector('tr')?.textContent.trim()),
        }));
        if (found.wide > 0) problems.push(`${path} at ${width} px is ${found.wide} px too wide`);
        for (const title of found.tables)
          problems.push(`${path} at ${width} px: the table "${title}" scrolls sideways`);
        if (pictures === undefined) continue;
        mkdirSync(pictures, { recursive: true });
        const name = `${path.replaceAll(/[^a-z-]+/g, '_').replace(/^_/, '') || 'home'}`;
        await page.screenshot({ path: join(pictures, `${name}-${width}-${theme}.png`) });
      }
      await context.close();
    }
  }
  await checkSearch();
} finally {
  await browser.close();
  server.close();
}
for (const problem of new Set(problems)) console.error(problem);
console.log(problems.length === 0 ? `${files.length} files: all is local` : 'There are problems.');
process.exitCode = problems.length === 0 ? 0 : 1;
