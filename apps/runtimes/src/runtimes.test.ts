import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EdgeVM } from '@edge-runtime/vm';
import { chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** What the program returns, wherever it runs. */
const EXPECTED = {
  ...{ sequential: 'from gpt and from claude', parallel: 'from gpt and from claude' },
  ...{ adaptive: 'from gpt and from claude', requests: 1, resumed: { a: 15, b: 15 } },
  ...{ planned: ['one', 'two'], last: 'The run was paused.' },
};

let folder: string;
let server: string;
const listener = createServer((request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stratagem-runtimes-'));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  server = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const sources = ['program', 'main'].map((name) => join(import.meta.dirname, `${name}.ts`));
  const bundle = await rolldown({
    input: sources,
    platform: 'browser',
    resolve: { conditionNames: ['@stratagem/source', 'browser', 'import', 'default'] },
    // Loaded on demand, where there are files.
    external: [/^node:/],
    onLog: () => {},
  });
  await bundle.write({ dir: folder, format: 'esm' });
  const whole = await rolldown({
    input: sources[0] as string,
    platform: 'browser',
    resolve: {
      conditionNames: ['@stratagem/source', 'edge-light', 'browser', 'import', 'default'],
    },
    external: [/^node:/],
    onLog: () => {},
  });
  const file = join(folder, 'edge.js');
  await whole.write({ file, format: 'iife', name: 'everything', codeSplitting: false });
});

afterAll(async () => {
  listener.closeAllConnections();
  listener.close();
  await rm(folder, { recursive: true, force: true });
});

/** Answers like both providers, and serves the program to the browser. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '/' } = request;
  if (request.method === 'GET') {
    const isScript = url.endsWith('.js');
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    response.end(
      isScript ? await readFile(join(folder, url)) : '<!doctype html><title>Program</title>',
    );
    return;
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  const isOpenAI = url.startsWith('/v1/chat');
  const { stream } = JSON.parse(text) as { readonly stream?: boolean };
  const events = isOpenAI ? chatEvents() : messageEvents();
  if (stream !== true) throw new Error(`a request to ${url} does not stream: ${text}`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(events);
}

function chatEvents(): string {
  const chunk = (fields: object) => ({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt' },
    ...fields,
  });
  const delta = { role: 'assistant', content: 'from gpt' };
  const data = [
    chunk({ choices: [{ index: 0, delta, finish_reason: null }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
    chunk({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }),
  ];
  return `${data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`;
}

function messageEvents(): string {
  const usage = { input_tokens: 5, output_tokens: 2 };
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [],
    usage,
  };
  const block = { type: 'text', text: '', citations: null };
  const events = [
    { type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null } },
    { type: 'content_block_start', index: 0, content_block: block },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'from claude' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

async function run(command: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(command, [...args, server], { cwd: folder });
  return JSON.parse(stdout);
}

test('Node', async () => {
  expect(await run(process.execPath, 'main.js')).toEqual(EXPECTED);
});

test('the edge runtime', async () => {
  const vm = new EdgeVM();
  vm.evaluate(await readFile(join(folder, 'edge.js'), 'utf8'));
  const result: Promise<unknown> = vm.evaluate(`everything.program(${JSON.stringify(server)})`);
  expect(JSON.parse(JSON.stringify(await result))).toEqual(EXPECTED);
});

const require = createRequire(import.meta.url);

/** A file of an optional dependency; undefined where it is not installed. */
function installed(packageName: string, file: string): string | undefined {
  try {
    const found = join(require.resolve(`${packageName}/package.json`), '..', file);
    return existsSync(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

const BUN = process.env.BUN_PATH ?? installed('@oven/bun-linux-x64', 'bin/bun');
const DENO = process.env.DENO_PATH ?? installed('@deno/linux-x64-glibc', 'deno');
const CHROMIUM = [
  process.env.CHROMIUM_PATH ?? '',
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
].find((place) => place !== '' && existsSync(place));
for (const [name, place] of Object.entries({ BUN, DENO, CHROMIUM })) {
  if (place === undefined) console.warn(`Skipped: one test needs ${name}_PATH.`);
}

test.skipIf(BUN === undefined)('Bun', async () => {
  expect(await run(BUN as string, 'main.js')).toEqual(EXPECTED);
});

test.skipIf(DENO === undefined)('Deno', async () => {
  const flags = ['--no-remote', '--allow-net=127.0.0.1', '--allow-env', '--allow-sys'];
  expect(await run(DENO as string, 'run', ...flags, 'main.js')).toEqual(EXPECTED);
});

test.skipIf(CHROMIUM === undefined)('Chromium', async () => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM as string,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  try {
    const page = await browser.newPage();
    await page.goto(server);
    const result = await page.evaluate(
      `import('/program.js').then(({ program }) => program(${JSON.stringify(server)}))`,
    );
    expect(result).toEqual(EXPECTED);
  } finally {
    await browser.close();
  }
});
