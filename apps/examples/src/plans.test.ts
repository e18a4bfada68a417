import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

// Runs the plan files as a user would: with the command line, in a process of its own, without a key.

const CLI = fileURLToPath(import.meta.resolve('@stratagem/cli/package.json'));
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stratagem-plans-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function run(plan: string, ...args: readonly string[]) {
  const file = fileURLToPath(new URL(`../plans/${plan}`, import.meta.url));
  const program = join(CLI, '../bin/stratagem.js');
  const child = spawn(process.execPath, [program, 'run', file, '--json', ...args], {
    env: { PATH: process.env.PATH },
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('collect.yaml fetches ten endpoints at once and saves them', async () => {
  const asked: URL[] = [];
  let refusals = 3;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    asked.push(url);
    // A busy server is asked again.
    if (refusals-- > 0) {
      response.writeHead(503, { 'retry-after': '0' }).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ latitude: Number(url.searchParams.get('latitude')) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const result = await run(
      'collect.yaml',
      '--input',
      `base=http://${host}`,
      '--allow-hosts',
      host,
    );
    expect(result.status).toBe('completed');
    expect(result.outputs.forecasts[0]).toMatchObject({ output: { latitude: 52.5 } });
    expect(result.metrics.peakConcurrency).toBe(10);
    expect(asked).toHaveLength(13);
    expect(await readdir(join(folder, 'output/forecasts'))).toHaveLength(10);
    const tokyo = await readFile(join(folder, 'output/forecasts/tokyo.json'), 'utf8');
    expect(JSON.parse(tokyo)).toEqual({ latitude: 35.7 });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('research.yaml gathers, analyses each aspect and writes a report', async () => {
  const result = await run('research.yaml', '--input', 'topic=heat pumps', '--latency', '1');
  expect(result.status).toBe('completed');
  const analyses = await readdir(join(folder, 'output/analyses'));
  expect(analyses.length).toBeGreaterThan(0);
  const report = await readFile(join(folder, 'output/report.md'), 'utf8');
  expect(report).toBe(result.outputs.report);
  expect(report).toContain('heat pumps');
});

test('documents.yaml summarises a hundred documents', async () => {
  const documents = Array.from({ length: 100 }, (_, n) => ({ id: `doc-${n}`, text: `Text ${n}.` }));
  await writeFile(join(folder, 'documents.json'), JSON.stringify(documents));
  const input = `documents=@${join(folder, 'documents.json')}`;
  const result = await run('documents.yaml', '--input', input, '--latency', '1');
  expect(result.status).toBe('completed');
  expect(result.outputs.summaries).toHaveLength(100);
  expect(result.metrics.peakConcurrency).toBe(10);
  expect(await readdir(join(folder, 'output/summaries'))).toHaveLength(100);
  expect(await readFile(join(folder, 'output/summaries/doc-99.md'), 'utf8')).toContain('Text 99');
});

test('improve.yaml rewrites a text until it is good enough, or four times', async () => {
  const result = await run('improve.yaml', '--input', 'product=a kettle', '--latency', '1');
  expect(result.status).toBe('completed');
  const { loop, output } = result.tasks.find(({ id }: { id: string }) => id === 'improve');
  expect(loop.ending).toBe(output.judge.score >= 0.9 ? 'reached' : 'exhausted');
  expect(loop.iterations).toBe(loop.ending === 'reached' ? loop.iterations : 4);
  const { ending } = loop;
  expect(result.outputs).toEqual({ text: output.write, score: output.judge.score, ending });
});

test('article.yaml reviews each article with a module', async () => {
  const result = await run('article.yaml', '--input', 'topics=[fusion, tides]', '--latency', '1');
  expect(result.status).toBe('completed');
  expect(result.outputs.summary).toContain('Summarise');
  const [fusion, tides] = result.outputs.articles;
  expect(fusion.output.review).toMatchObject({ audience: 'engineers' });
  expect(tides.output.improve).toContain('tides');
  const ids = result.tasks.map(({ id }: { id: string }) => id);
  expect(ids).toContain('articles[1].review/style');
  expect(ids).toContain('summary/summary');
});
