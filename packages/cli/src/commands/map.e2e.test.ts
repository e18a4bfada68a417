import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, start, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Summarise reviews
inputs: { text: { type: string } }
outputs: { summary: summary }
tasks: [{ id: summary, description: "Summarise {{inputs.text}}" }]
`;
const ROWS = 400;
const JSONL = Array.from({ length: ROWS }, (_, row) => `{"text":"review ${row}"}\n`).join('');
const MAP = ['map', 'plan.yaml', '--each', 'rows.jsonl', '-o', 'out.jsonl', '--max-parallel', '8'];

/** A second passes before the first progress; about half of the rows are done in it. */
const SLOW = [...MAP, '--latency', '20', '--log-format', 'json'];

async function rowsIn(path: string): Promise<number[]> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line).row);
}

const IN_ORDER = Array.from({ length: ROWS }, (_, row) => row + 1);

test('kill -9 tears no output, and the same command has each row once and in order', async () => {
  await using project = await folder({
    'plan.yaml': PLAN,
    'rows.jsonl': JSONL,
    'out.jsonl': 'old\n',
  });
  const cwd = project.path;
  let kills = 0;
  for (; kills < 3; kills++) {
    const { child, ended, progress } = start(SLOW, { cwd });
    // Rows were done since the start of this process.
    await progress(/"done":[1-9]/);
    child.kill('SIGKILL');
    await ended;
    if ((await readFile(join(cwd, 'out.jsonl'), 'utf8')) !== 'old\n') break;
  }
  // A kill that comes too late finds the whole output.
  expect(kills).toBeGreaterThan(0);
  if (kills < 3) expect(await rowsIn(join(cwd, 'out.jsonl'))).toEqual(IN_ORDER);
  const last = await stratagem([...MAP, '--json', '--latency', '1'], { cwd });
  expect(JSON.parse(last.stdout)).toMatchObject({ status: 'completed', completed: ROWS });
  expect(await rowsIn(join(cwd, 'out.jsonl'))).toEqual(IN_ORDER);
  expect(existsSync(join(cwd, 'out.jsonl.partial'))).toBe(false);
});

test('Ctrl-C keeps the rows so far, and the same command continues', async () => {
  await using project = await folder({ 'plan.yaml': PLAN, 'rows.jsonl': JSONL });
  const cwd = project.path;
  const { child, ended, progress } = start(SLOW, { cwd });
  await progress(/"done":[1-9]/);
  child.kill('SIGINT');
  const { exitCode, stderr } = await ended;
  expect([exitCode, stderr]).toEqual([130, expect.stringContaining('The rows so far are in')]);
  // Nothing was asked that --yes would answer.
  expect(stderr).toContain('To continue, run the same command again\n');
  const partial = await rowsIn(join(cwd, 'out.jsonl.partial'));
  expect(partial).toEqual(IN_ORDER.slice(0, partial.length));
  const { stdout } = await stratagem([...MAP, '--json', '--latency', '1'], { cwd });
  expect(JSON.parse(stdout)).toMatchObject({ completed: ROWS });
  expect(await rowsIn(join(cwd, 'out.jsonl'))).toEqual(IN_ORDER);
});

test('stops when the reader of standard output closes it, and continues later', async () => {
  await using project = await folder({ 'plan.yaml': PLAN, 'rows.jsonl': JSONL });
  const cwd = project.path;
  const print = SLOW.filter((arg) => arg !== '-o' && arg !== 'out.jsonl');
  const { child, ended, shows } = start(print, { cwd });
  await shows('"row":1');
  child.stdout.destroy();
  const { exitCode, stderr } = await ended;
  expect(stderr).toContain('Standard output was closed, so the map was stopped\n');
  expect(stderr).toContain('To continue, run the same command again\n');
  expect(stderr).not.toMatch(/EPIPE|\n {4}at /);
  expect(exitCode).toBe(1);
  const { stdout } = await stratagem([...print, '--latency', '1'], { cwd });
  const rows = stdout.trimEnd().split('\n');
  expect(rows.map((line) => JSON.parse(line).row)).toEqual(IN_ORDER);
});
