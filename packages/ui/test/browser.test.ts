import { memoryJournal } from '@stratagem/core';
import { simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { renderReport, serveRuns } from '../src/index.js';
import { CHROMIUM, TestBrowser, violationsOf, type Watched } from './browser.js';
import { type LiveRun, startLiveRun } from './live-run.js';
import { diligenceRun, documentsRun, researchRun } from './sample-runs.js';

if (CHROMIUM === undefined) {
  console.warn('Skipped: these tests need Chromium (apt-get install chromium, or CHROMIUM_PATH).');
}

const TABS = ['timeline', 'graph', 'tasks', 'events', 'compare'];
const THEMES = ['light', 'dark'];

const HOSTILE = [
  '</script><script>window.ran = 1</script>',
  '<img src=x onerror="window.ran = 1">',
  '<svg onload="window.ran = 1">',
  '<!--<script>',
  'javascript:window.ran=1',
  '[a link](javascript:window.ran=1)',
  '\u2028\u202egnp.exe\u202c',
  '\u001b[31mred\u001b[0m\u0000\ud800',
].join('\n');

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  let browser: TestBrowser;
  let sample: string;
  beforeAll(async () => {
    browser = await TestBrowser.start();
    const html = renderReport(diligenceRun(), {
      runId: 'fa9418cb-b5ae-4c1e-9d0c-1a2b3c4d5e6f',
      compareWith: diligenceRun({ maxParallel: 6, seed: 1 }),
      retryCommand: 'stratagem resume fa9418cb --journal .stratagem --retry-failed',
    });
    sample = await browser.file('sample.html', html);
  });
  afterEach(() => browser.closePages());
  afterAll(() => browser.stop());

  test('a report loads itself and nothing else', async () => {
    const { page, noise, requests } = await browser.open(sample);
    await expect.poll(() => page.title()).toContain('Failed');
    expect(await page.locator('h1').textContent()).toContain('Supplier due diligence');
    expect(await page.locator('.kpis').textContent()).toContain('159 of 183 tasks');
    expect(await page.locator('.note').textContent()).toContain('4 tasks failed, 20 skipped');
    expect(noise).toEqual([]);
    expect(requests).toEqual([sample]);
  });

  test('a run of one task without tokens compares it with nothing', async () => {
    const plan = { goal: 'One', tasks: [{ id: 'only', description: 'Do it' }] };
    const { timeline } = simulate(plan, {
      strategy: parallel(),
      attempt: () => ({ durationMs: 900 }),
    });
    const { page } = await browser.open(await browser.file('one.html', renderReport(timeline)));
    const texts = await page.locator('.kpi').allTextContents();
    expect(texts.map((text) => text.replace(/\s+/g, ' '))).toEqual([
      'Completed1 of 1 taskall completed',
      'Duration900 ms 900 ms one at a time',
      'Speed-up1.0× as fast as one at a time',
      'Parallel tasks1 at peaklimit 5',
      'Tokens– none reported',
      'Cost– none reported',
    ]);
    const why = await page.locator('.why').textContent();
    expect(why).toContain('The only task ran for 900 ms.');
    expect(why).not.toContain('chain');
  });

  test('the parts of what decided the time fill the bar in order', async () => {
    const { page } = await browser.open(sample);
    const bar = await page.locator('.cbar').boundingBox();
    const parts = await page.locator('.cbar button').all();
    let x = bar?.x ?? 0;
    for (const part of parts) {
      const box = await part.boundingBox();
      expect(Math.abs((box?.x ?? 0) - x)).toBeLessThan(1.5);
      x = (box?.x ?? 0) + (box?.width ?? 0);
    }
    expect(Math.abs(x - (bar?.x ?? 0) - (bar?.width ?? 0))).toBeLessThan(1.5);
    const label = await parts[0]?.getAttribute('aria-label');
    expect(label).toMatch(/^brief: Model and tools, 4\.\d s$/);
    await parts[0]?.click();
    expect(await page.locator('.panel h2').textContent()).toBe('brief');
  });

  test('what models and plans wrote is text on every tab', async () => {
    const plan = {
      goal: HOSTILE,
      tasks: [
        { id: 'a<b>&"\'', description: HOSTILE },
        { id: 'failing', description: HOSTILE },
      ],
    };
    const { timeline } = simulate(plan, {
      strategy: parallel(),
      retry: { maxAttempts: 1 },
      attempt: ({ id }) => ({
        durationMs: 100,
        output: { text: HOSTILE, [HOSTILE]: 1 },
        parts: [
          { afterMs: 1, part: { kind: 'tool_call', callId: '1', tool: HOSTILE, input: HOSTILE } },
          {
            afterMs: 2,
            part: {
              ...{ kind: 'tool_result', callId: '1', tool: HOSTILE },
              ok: true,
              output: HOSTILE,
              durationMs: 1,
            },
          },
        ],
        ...(id === 'failing' && { error: new Error(HOSTILE) }),
      }),
    });
    const file = await browser.file('hostile.html', renderReport(timeline));
    const watched = await browser.open(file);
    const { page, noise, requests } = watched;
    for (const tab of TABS.slice(0, 4)) {
      for (const id of ['a<b>&"\'', 'failing']) {
        await page.goto(`${file}#${new URLSearchParams({ tab, task: id })}`);
        await page.waitForSelector('.panel');
        expect(await page.locator('.panel h2').textContent()).toBe(id);
        await expect
          .poll(() => page.locator('.panel').textContent())
          .toContain('onerror="window.ran = 1"');
      }
    }
    expect(await page.evaluate('window.ran')).toBeUndefined();
    expect(await page.locator('img, iframe, a[href^="javascript"]').count()).toBe(0);
    expect(noise).toEqual([]);
    expect(new Set(requests)).toEqual(new Set([file]));
  });

  test('an output of 10 MB is cut, and the page says so', async () => {
    const { timeline } = simulate(
      { goal: 'Long', tasks: [{ id: 'long', description: 'x' }] },
      {
        strategy: parallel(),
        attempt: () => ({ durationMs: 1, output: 'long '.repeat(2_000_000) }),
      },
    );
    const file = await browser.file('long.html', renderReport(timeline));
    const { page } = await browser.open(`${file}#task=long`);
    await page.getByRole('button', { name: /^Show all/ }).click();
    expect(await page.locator('.panel').textContent()).toContain('the whole text has 10.0 MB');
  });

  test.each(THEMES)('axe finds nothing wrong with a report in the %s theme', async (theme) => {
    const watched = await browser.open(`${sample}#theme=${theme}&task=edit-3`);
    for (const tab of TABS) {
      const button = watched.page.getByRole('tab', { name: new RegExp(`^${tab}`, 'i') });
      await button.click();
      await expect.poll(() => button.getAttribute('aria-selected')).toBe('true');
      expect(await violationsOf(watched), tab).toEqual([]);
    }
  });

  test('no view is wider than the page, from 320 to 2,560 pixels', async () => {
    const { page } = await browser.open(sample);
    for (const tab of TABS) {
      for (const task of ['', 'profile[7]']) {
        await page.goto(`${sample}#${new URLSearchParams({ tab, task })}`);
        for (const width of [320, 380, 768, 1_181, 1_440, 2_560]) {
          await page.setViewportSize({ width, height: 900 });
          const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          expect(over, `${tab} ${task} at ${width}`).toBeLessThanOrEqual(0);
        }
      }
    }
  });

  test('the keyboard reaches everything', async () => {
    const { page } = await browser.open(sample);
    const task = () => page.locator('.panel h2').textContent();
    await page.keyboard.press('j');
    expect(await task()).toBe('brief');
    await page.keyboard.press('f');
    expect(await task()).toBe('profile[7]');
    await page.keyboard.press('c');
    expect(await page.locator('.panel').textContent()).toContain('Critical path');
    await page.keyboard.press('Escape');
    expect(await page.locator('.panel').count()).toBe(0);
    await page.keyboard.press('3');
    expect(await page.getByRole('grid', { name: 'Tasks' }).count()).toBe(1);
    await page.keyboard.press('/');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('search');
    await page.keyboard.type('edit-2');
    await expect.poll(() => page.locator('.tr.row').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    await page.locator('.node').first().focus();
    await page.keyboard.press('Enter');
    expect(await task()).toBe('brief');
    await page.keyboard.press('t');
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').textContent()).toContain('next failure');
    await page.keyboard.press('Escape');
    await page.keyboard.press('1');
    await page.locator('.gantt').focus();
    await page.keyboard.press('+');
    await expect.poll(() => page.url()).toMatch(/from=\d+&to=\d+/);
    await page.keyboard.press('0');
    await expect.poll(() => page.url()).not.toContain('from=');
    await page.keyboard.press('g');
    await expect.poll(() => page.url()).toContain('mode=tasks');
  });

  test('Back goes back, and a link restores the view', async () => {
    const { page } = await browser.open(`${sample}#tab=tasks&task=brief`);
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.goBack();
    expect(await page.getByRole('grid', { name: 'Tasks' }).count()).toBe(1);
    expect(await page.locator('.panel h2').textContent()).toBe('brief');
  });

  test('the table filters and sorts 5,000 tasks with few rows in the document', async () => {
    const file = await browser.file('documents.html', renderReport(documentsRun()));
    const { page } = await browser.open(`${file}#tab=tasks`);
    expect(await page.locator('.tr.row').count()).toBeLessThan(60);
    await page.getByRole('button', { name: 'Ran' }).click();
    const header = page.getByRole('columnheader', { name: 'Ran' });
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    await page.locator('#search').fill('summary document 77');
    await expect.poll(() => page.locator('.bar .dim').textContent()).toBe('1 shown');
    await page.locator('#search').fill('nothing like this');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect.poll(() => page.locator('.bar .dim').textContent()).toBe('5,000 shown');
    await page.evaluate('document.querySelector(".vscroll").scrollTop = 100000');
    await expect
      .poll(() => page.locator('.tr.row').first().getAttribute('aria-rowindex'))
      .toMatch(/^31\d\d$/);
  });

  test('a click on a row of the timeline unfolds it', async () => {
    const { page } = await browser.open(`${sample}#mode=tasks`);
    const box = await page.locator('.gantt canvas').boundingBox();
    const row = 34 + 28 + 5 + 6 * 26 + 30;
    await page.mouse.click((box?.x ?? 0) + 60, (box?.y ?? 0) + row);
    await expect.poll(() => page.url()).toContain('open=profile');
    await page.getByRole('button', { name: 'Fold all' }).click();
    await expect.poll(() => page.url()).not.toContain('open=');
  });

  test('pictures, the trace and the table are saved from the menu', async () => {
    const { page, noise } = await browser.open(sample);
    for (const [item, name] of [
      ['Timeline (SVG)', 'run-fa9418cb-timeline.svg'],
      ['Graph (PNG)', 'run-fa9418cb-graph.png'],
      ['Perfetto trace', 'run-fa9418cb-trace.json'],
      ['Tasks (CSV)', 'run-fa9418cb-tasks.csv'],
    ] as const) {
      await page.getByRole('button', { name: 'Export' }).click();
      const saved = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: item }).click();
      expect((await saved).suggestedFilename()).toBe(name);
    }
    expect(noise).toEqual([]);
  });

  test('paper gets the light theme without controls and panel', async () => {
    const { page } = await browser.open(`${sample}#theme=dark&task=brief`);
    await page.emulateMedia({ media: 'print' });
    for (const part of ['.panel', '.tabs', '.acts']) {
      expect(await page.locator(part).first().isVisible(), part).toBe(false);
    }
    const color = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    expect(color).toBe('rgb(255, 255, 255)');
  });

  describe('live', () => {
    let live: LiveRun;
    let server: Awaited<ReturnType<typeof serveRuns>> | undefined;
    afterEach(async () => {
      live.run.cancel();
      await server?.close();
    });

    async function openLive(): Promise<Watched> {
      const journal = memoryJournal();
      live = startLiveRun(journal);
      server = await serveRuns({ journal, journalName: '.stratagem' });
      server.attach(live.run);
      return browser.open(server.urlOf(live.run.runId));
    }
    const button = ({ page }: Watched, name: string | RegExp) =>
      page.getByRole('button', { name, exact: typeof name === 'string' });
    const figure = ({ page }: Watched, index: number) =>
      page.locator('.kpi dd').nth(index).textContent();

    test('the page follows the run, and its token leaves the address', async () => {
      const shown = await openLive();
      const { page, noise } = shown;
      expect(page.url()).not.toContain('token');
      live.finish('list');
      await expect.poll(() => figure(shown, 0)).toMatch(/^1 of 8/);
      await expect.poll(() => page.title()).toContain('Running 1/8');
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await expect.poll(() => page.locator('.panel').textContent()).toContain('Working on read-a…');
      for (const theme of THEMES) {
        await page.evaluate(`document.documentElement.dataset.theme = "${theme}"`);
        expect(await violationsOf(shown)).toEqual([]);
      }
      expect(noise).toEqual([]);
    });

    test('every control works, and a button is busy until its event has come', async () => {
      const shown = await openLive();
      const { page } = shown;
      live.finish('list');
      await expect.poll(() => page.locator('.kpi').first().textContent()).toContain('2 running');
      await button(shown, /One more/).click();
      await expect.poll(() => page.locator('.kpi').first().textContent()).toContain('3 running');
      await button(shown, 'Pause').click();
      await button(shown, 'Continue').waitFor();
      expect(await page.locator('.title .pill').textContent()).toBe('Paused');
      await button(shown, 'Continue').click();
      await button(shown, 'Pause').waitFor();
      live.finish('read-a');
      await expect
        .poll(() => page.locator('.note').textContent())
        .toContain('publish is waiting for you');
      // A pause does not hide that somebody is asked.
      await button(shown, 'Pause').click();
      await button(shown, 'Continue').waitFor();
      expect(await page.locator('.title .pill.waiting').textContent()).toBe('Waiting for you');
      await button(shown, 'Continue').click();
      await button(shown, 'Pause').waitFor();
      await button(shown, 'Approve').click();
      await expect
        .poll(() => page.locator('.note').textContent())
        .toContain('title is waiting for you');
      await page.getByLabel('Answer to title').fill('Pages');
      await button(shown, 'Answer').click();
      await expect.poll(() => page.locator('.note').count()).toBe(0);
      await page.goto(`${page.url().split('#')[0]}#run=${live.run.runId}&task=read-d`);
      await button(shown, 'Skip task').click();
      await expect.poll(() => page.locator('.panel .pill').first().textContent()).toBe('Skipped');
      await page.goto(`${page.url().split('#')[0]}#run=${live.run.runId}&task=read-c`);
      await button(shown, 'Cancel task').click();
      await expect
        .poll(() => page.locator('.panel .pill').first().textContent())
        .toMatch(/Failed|Canceled/);
      await button(shown, 'Cancel run').click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.textContent()).toContain('outputs so far are kept');
      await dialog.getByRole('button', { name: 'Keep running' }).click();
      await button(shown, 'Cancel run').click();
      await dialog.getByRole('button', { name: 'Cancel run' }).click();
      await expect.poll(() => page.locator('.title .pill').textContent()).toBe('Canceled');
      expect((await live.run).status).toBe('canceled');
    });

    test('two tabs show the same, whichever acts', async () => {
      const first = await openLive();
      live.finish('list');
      live.finish('read-a');
      const second = await browser.openBeside(first, first.page.url());
      await second.page.getByRole('button', { name: 'Reject…' }).click();
      await second.page.getByLabel('Why publish is rejected').fill('not yet');
      await second.page.getByRole('button', { name: 'Reject', exact: true }).click();
      for (const tab of [first, second]) {
        await expect
          .poll(() => tab.page.locator('.kpi').first().textContent())
          .toContain('1 failed');
        expect(await tab.page.locator('.note').count()).toBe(0);
      }
    });

    test('a broken stream is opened again, and nothing is missed', async () => {
      const shown = await openLive();
      const { page } = shown;
      const url = new URL(server?.url ?? '');
      const options = { port: Number(url.port), token: url.searchParams.get('token') ?? '' };
      live.finish('list');
      await expect.poll(() => figure(shown, 0)).toMatch(/^1 of 8/);
      await server?.close();
      await expect
        .poll(() => page.locator('.lost').textContent())
        .toMatch(/^Connection lost\. Trying again/);
      live.finish('read-a');
      live.finish('read-b');
      server = await serveRuns(options);
      server.attach(live.run);
      await expect.poll(() => figure(shown, 0)).toMatch(/^3 of 8/);
      expect(await page.locator('.lost').count()).toBe(0);
    });

    test('the page of a run that has ended says so, and does not count', async () => {
      const shown = await openLive();
      const { page } = shown;
      await live.run.cancel('enough');
      await expect.poll(() => page.locator('.title .pill').textContent()).toBe('Canceled');
      await server?.close();
      await expect
        .poll(() => page.locator('.lost').textContent())
        .toMatch(/^The program behind this page has ended/);
    });

    test('the list of runs leads to a run, and two runs are compared', async () => {
      const shown = await openLive();
      const { page } = shown;
      await page.goto(new URL('/', server?.url).href);
      expect(await violationsOf(shown)).toEqual([]);
      await page.getByRole('link', { name: 'Index four documents' }).click();
      await page.getByRole('tab', { name: 'Compare' }).click();
      expect(await page.locator('.main').textContent()).toContain('Choose another run');
      expect(await violationsOf(shown)).toEqual([]);
      await page.goto(`${new URL('/', server?.url).href}#run=nobody`);
      await expect
        .poll(() => page.locator('main').textContent())
        .toContain('There is no run nobody in .stratagem');
    });
  });

  test('names two compared runs, and shows the tab also on a narrow screen', async () => {
    const html = renderReport(diligenceRun(), {
      ...{ runId: 'new-run', compareWith: researchRun(), compareWithId: 'old-run' },
    });
    const file = await browser.file('two.html', html);
    const { page } = await browser.open(`${file}#tab=compare`, { width: 360, height: 800 });
    const names = page.locator('.main .bar');
    expect(await names.first().textContent()).toMatch(
      /^Athe other run · old-run · .* · completed · limit /,
    );
    expect(await names.nth(1).textContent()).toMatch(/^Bthis run · new-run · .* · failed · limit /);
    const tab = await page.getByRole('tab', { name: 'Compare' }).boundingBox();
    expect((tab?.x ?? 0) + (tab?.width ?? 0)).toBeLessThan(361);
  });

  test('of an interrupted run, says what ran, and offers the command that resumes it', async () => {
    const events = diligenceRun();
    const until = (events[0]?.timestamp ?? 0) + 20_000;
    const html = renderReport(
      events.filter(({ timestamp }) => timestamp <= until),
      { status: 'interrupted', retryCommand: 'stratagem resume 1 --journal runs' },
    );
    const { page } = await browser.open(await browser.file('interrupted.html', html));
    expect(await page.locator('.note').textContent()).toMatch(
      /^The run was interrupted, 2 tasks failed.*Resume it to run what is left.*Copy resume command$/,
    );
    expect(await page.locator('.kpi').first().textContent()).toMatch(/\d+ were running/);
  });

  test('the panel of a failed task counts its last attempt as the bar of the run does', async () => {
    const { page } = await browser.open(`${sample}#task=profile[7]`);
    const spent = page.locator('.panel section', { hasText: 'Where its time went' });
    expect(await spent.textContent()).toContain('Model and tools');
    expect(await spent.textContent()).not.toContain('Failed attempts');
  });

  test('a run without failures shows no notice', async () => {
    const file = await browser.file('research.html', renderReport(researchRun()));
    const { page } = await browser.open(file);
    expect(await page.locator('.note').count()).toBe(0);
    expect(await page.locator('.why .lead').textContent()).toContain(
      'A chain of 3 tasks ran for 12.9 s.',
    );
    expect(await page.getByRole('tab', { name: 'Compare' }).count()).toBe(0);
  });
});
