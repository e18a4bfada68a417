import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { type BatchProvider, batchProvider } from '../../test/batch-provider.js';
import { folder, start, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Shorten
inputs: { text: { type: string } }
retry: { maxAttempts: 3, initialDelayMs: 1 }
tasks:
  - { id: short, description: "Short {{inputs.text}}" }
`;
const ROWS = 6;

let provider: BatchProvider | undefined;
afterEach(() => provider?.close());

/** A folder with rows, and the command that maps them through the Batch API of a provider. */
async function project(kind: 'openai' | 'anthropic') {
  const served = await batchProvider(kind);
  provider = served;
  const csv = `text\n${Array.from({ length: ROWS }, (_, index) => `t${index}`).join('\n')}\n`;
  const place = await folder({ 'plan.yaml': PLAN, 'rows.csv': csv });
  const args = ['map', 'plan.yaml', '--each', 'rows.csv', '-o', 'out.jsonl', ...served.args];
  const options = { cwd: place.path, env: served.env };
  return {
    served,
    start: () => start(args, options),
    run: (...more: string[]) => stratagem([...args, '--json', ...more], options),
    async rows() {
      const lines = (await readFile(`${place.path}/out.jsonl`, 'utf8')).trim().split('\n');
      return lines.map((line) => JSON.parse(line));
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

test.each(['openai', 'anthropic'] as const)(
  'a map that was killed finds its job at %s again, and sends nothing twice',
  async (kind) => {
    await using map = await project(kind);
    map.served.isReleased = false;
    const killed = map.start();
    await map.served.polled;
    killed.child.kill('SIGKILL');
    await killed.ended;
    map.served.isReleased = true;
    const { stdout, stderr, exitCode } = await map.run();
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ completed: ROWS });
    expect(map.served.jobs).toHaveLength(1);
    expect(map.served.canceled).toEqual([]);
    const rows = await map.rows();
    expect(rows.map(({ outputs }) => outputs.short)).toEqual(
      Array.from({ length: ROWS }, (_, index) => `Short t${index}`),
    );
  },
);

test.each([
  ['openai', 'has ended'],
  ['anthropic', 'has ended'],
  ['anthropic', 'runs'],
] as const)(
  'a map that was killed before %s told it the id of its job finds the job again when it %s',
  async (kind, state) => {
    await using map = await project(kind);
    const { served } = map;
    served.isReleased = false;
    const killed = map.start();
    served.onCreated = async () => {
      killed.child.kill('SIGKILL');
      await killed.ended;
    };
    await killed.ended;
    served.onCreated = undefined;
    served.isReleased = state === 'has ended';
    if (state === 'runs') void served.polled.then(() => (served.isReleased = true));
    const { stdout, stderr, exitCode } = await map.run();
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ completed: ROWS });
    expect(served.jobs.map((job) => job.length)).toEqual([ROWS]);
    expect((await map.rows()).map(({ outputs }) => outputs.short)).toEqual(
      Array.from({ length: ROWS }, (_, index) => `Short t${index}`),
    );
  },
);

test('Ctrl+C leaves the job at the provider, and the same command takes its results', async () => {
  await using map = await project('openai');
  map.served.isReleased = false;
  const stopped = map.start();
  await map.served.polled;
  stopped.child.kill('SIGINT');
  expect((await stopped.ended).exitCode).toBe(130);
  map.served.isReleased = true;
  expect(JSON.parse((await map.run()).stdout)).toMatchObject({ completed: ROWS });
  expect(map.served.jobs).toHaveLength(1);
  expect(map.served.canceled).toEqual([]);
});

test.each(['openai', 'anthropic'] as const)(
  'of a job at %s that is partly done, expired requests are sent again, and refused ones fail their rows',
  async (kind) => {
    await using map = await project(kind);
    map.served.outcomeOf = (prompt, time) =>
      prompt.endsWith('t1') && time === 1
        ? 'refused'
        : /t[34]$/.test(prompt) && time === 1
          ? 'expired'
          : 'done';
    const { stdout, exitCode } = await map.run();
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ completed: ROWS - 1, failed: 1 });
    const asked = () => map.served.jobs.map((job) => [...job].sort());
    expect(asked().slice(1)).toEqual([['Short t3', 'Short t4']]);
    expect((await map.rows()).map(({ status }) => status)).toEqual([
      ...['completed', 'failed', 'completed', 'completed', 'completed', 'completed'],
    ]);
    const again = await map.run('--retry-failed');
    expect(JSON.parse(again.stdout)).toMatchObject({ failed: 0 });
    expect(asked().slice(2)).toEqual([['Short t1']]);
  },
);
