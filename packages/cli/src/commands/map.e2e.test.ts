import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chatServer } from '../../test/chat-server.js';
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

/** A provider that answers so many requests after each start of a command; the others wait. */
async function slowModel(cwd: string) {
  let left = 0;
  let onLast = () => {};
  let answerAll = () => {};
  let others: Promise<void> | undefined;
  const server = await chatServer(async () => {
    if (left === 0) await others;
    else if (--left === 0) onLast();
    return 'Short.';
  });
  const options = { cwd, env: { OPENAI_API_KEY: 'test' } };
  const model = ['--runner', 'openai', '--model', 'm', '--base-url', server.url];
  return {
    /** Starts a command. `isAmid` resolves when so many rows have been answered, while others wait. */
    start(args: readonly string[], answers: number) {
      left = answers;
      const isAmid = new Promise<void>((resolve) => {
        onLast = resolve;
      });
      others = new Promise((resolve) => {
        answerAll = resolve;
      });
      return { ...start([...args, ...model], options), isAmid, answerAll: () => answerAll() };
    },
    /** Runs a command to its end. */
    finish(args: readonly string[]) {
      left = Number.POSITIVE_INFINITY;
      return stratagem([...args, ...model], options);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

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
  await using model = await slowModel(cwd);
  for (let kill = 0; kill < 3; kill++) {
    const { child, ended, isAmid } = model.start(MAP, 60);
    await isAmid;
    child.kill('SIGKILL');
    await ended;
    expect(await readFile(join(cwd, 'out.jsonl'), 'utf8')).toBe('old\n');
  }
  const last = await model.finish([...MAP, '--json']);
  expect(JSON.parse(last.stdout)).toMatchObject({ status: 'completed', completed: ROWS });
  expect(await rowsIn(join(cwd, 'out.jsonl'))).toEqual(IN_ORDER);
  expect(existsSync(join(cwd, 'out.jsonl.partial'))).toBe(false);
});

test('Ctrl-C keeps the rows so far, and the same command continues', async () => {
  await using project = await folder({ 'plan.yaml': PLAN, 'rows.jsonl': JSONL });
  const cwd = project.path;
  await using model = await slowModel(cwd);
  const { child, ended, isAmid } = model.start(MAP, 200);
  await isAmid;
  child.kill('SIGINT');
  const { exitCode, stderr } = await ended;
  expect([exitCode, stderr]).toEqual([130, expect.stringContaining('The rows so far are in')]);
  // Nothing was asked that --yes would answer.
  expect(stderr).toContain('To continue, run the same command again\n');
  const partial = await rowsIn(join(cwd, 'out.jsonl.partial'));
  expect(partial).toEqual(IN_ORDER.slice(0, partial.length));
  const { stdout } = await model.finish([...MAP, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ completed: ROWS });
  expect(await rowsIn(join(cwd, 'out.jsonl'))).toEqual(IN_ORDER);
});

test('stops when the reader of standard output closes it, and continues later', async () => {
  await using project = await folder({ 'plan.yaml': PLAN, 'rows.jsonl': JSONL });
  const cwd = project.path;
  await using model = await slowModel(cwd);
  const print = MAP.filter((arg) => arg !== '-o' && arg !== 'out.jsonl');
  const { child, ended, shows, answerAll } = model.start(print, 20);
  await shows('"row":1');
  child.stdout.destroy();
  answerAll();
  const { exitCode, stderr } = await ended;
  expect(stderr).toContain('Standard output was closed, so the map was stopped\n');
  expect(stderr).toContain('To continue, run the same command again\n');
  expect(stderr).not.toMatch(/EPIPE|\n {4}at /);
  expect(exitCode).toBe(1);
  const { stdout } = await model.finish(print);
  const rows = stdout.trimEnd().split('\n');
  expect(rows.map((line) => JSON.parse(line).row)).toEqual(IN_ORDER);
});
