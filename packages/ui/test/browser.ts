import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Where Debian and others put Chromium. */
const PLACES = [
  process.env.CHROMIUM_PATH ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser of the tests; undefined where there is none. */
export const CHROMIUM = PLACES.find((place) => place !== '' && existsSync(place));

/** One browser for all tests of a file. */
export class TestBrowser {
  readonly #browser: Browser;
  readonly #folder: string;
  readonly #contexts: BrowserContext[] = [];

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  static async start(): Promise<TestBrowser> {
    const browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      // As root, which tests in containers are, Chromium has no sandbox.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    return new TestBrowser(browser, await mkdtemp(join(tmpdir(), 'stratagem-ui-')));
  }

  /** Writes a report, and returns its address. */
  async file(name: string, html: string): Promise<string> {
    const file = join(this.#folder, name);
    await writeFile(file, html);
    return pathToFileURL(file).href;
  }

  async open(url: string, size: { width: number; height: number } = WIDE): Promise<Watched> {
    const context = await this.#browser.newContext({ viewport: size, reducedMotion: 'reduce' });
    this.#contexts.push(context);
    return watch(await context.newPage(), url);
  }

  /** A second tab beside another one, with the same cookies. */
  async openBeside(other: Watched, url: string): Promise<Watched> {
    return watch(await other.page.context().newPage(), url);
  }

  /** Closes the pages of a test. */
  async closePages(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const WIDE = { width: 1_440, height: 1_000 };

/** A page, and what it did beside showing something. */
export interface Watched {
  readonly page: Page;
  /** Messages on the console, errors and dialogs. */
  readonly noise: string[];
  /** Addresses that were asked for. */
  readonly requests: string[];
}

async function watch(page: Page, url: string): Promise<Watched> {
  const noise: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => noise.push(message.text()));
  page.on('pageerror', (error) => noise.push(String(error)));
  page.on('dialog', (dialog) => {
    noise.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) requests.push(request.url());
  });
  await page.goto(url);
  await page.waitForSelector('h1');
  return { page, noise, requests };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with a page: rule and element. */
export async function violationsOf({ page }: Watched): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  // As a debugger does, past the policy of the page.
  await session.send('Runtime.evaluate', { expression: `window.axe ?? (() => { ${AXE} })()` });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + ': ' + target.join(' ') + ' ' + failureSummary)))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return result.value as string[];
}
