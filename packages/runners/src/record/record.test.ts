import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createExecutor,
  createPlan,
  type RunContext,
  RunnerError,
  type TaskRequest,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { attempt, inOrder, request } from '../../test/attempt.js';
import { record } from './record.js';
import { replay } from './replay.js';
import { scrubber } from './scrub.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stratagem-record-'));
  file = join(folder, 'fixtures', 'run.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

type Work = (request: TaskRequest, context: RunContext) => Promise<unknown>;

const runnerOf = (work: Work): TaskRunner => ({
  name: 'test',
  supportsTools: true,
  async run(given, context) {
    const usage = { inputTokens: 3, outputTokens: 2 };
    return { output: await work(given, context), usage, costUsd: 0.5, model: 'm', requestId: 'r' };
  },
});
const linesOf = async () => (await readFile(file, 'utf8')).trim().split('\n');

describe('a recording', () => {
  test('replays a run without its runner', async () => {
    let failures = 0;
    const runner = runnerOf(async ({ prompt }, { emit }) => {
      if (prompt.startsWith('Shaky') && ++failures === 1) {
        throw new RunnerError('server_error', 'not now', { retryAfterMs: 1 });
      }
      emit('Well, ');
      emit(`${prompt.split('\n')[0]}!`);
      return `Well, ${prompt.split('\n')[0]}!`;
    });
    const plan = createPlan('x')
      .addTask({ id: 'a', description: 'Say a.' })
      .addTask({ id: 'b', description: 'Shaky b.', dependencies: ['a'] });
    const options = { strategy: inOrder, retry: { initialDelayMs: 1 } };
    const first = await createExecutor({ ...options, runner: record(runner, { file }) }).execute(
      plan,
    );
    const second = await createExecutor({ ...options, runner: replay({ file }) }).execute(plan);
    expect(first.status).toBe('completed');
    const told = ({ timeline }: typeof first) =>
      timeline.map(({ sequence, timestamp, ...event }) => ({
        ...event,
        durationMs: 0,
        waitMs: 0,
        delayMs: 0,
        seed: 0,
        resource: 0,
      }));
    expect(JSON.parse(JSON.stringify(told(second)))).toEqual(
      JSON.parse(JSON.stringify(told(first))),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await linesOf()).toHaveLength(3);
  });

  test('returns the responses of equal requests in order, then the last one again', async () => {
    let count = 0;
    const recorded = record(
      runnerOf(async () => ++count),
      { file },
    );
    for (let time = 0; time < 3; time++) await recorded.run(request('a'), attempt());
    const replayed = replay({ file });
    const outputs: unknown[] = [];
    for (let time = 0; time < 4; time++) {
      outputs.push((await replayed.run(request('a'), attempt())).output);
    }
    expect(outputs).toEqual([1, 2, 3, 3]);
  });

  test('knows attachments by their hash, and contains no bytes', async () => {
    const fileOf = (text: string, sha256: string) => {
      const data = new TextEncoder().encode(text);
      return { filename: 'a.png', mediaType: 'image/png', data, size: data.length, sha256 };
    };
    const given = (text: string, sha256: string) =>
      request('a', { attachments: [fileOf(text, sha256)] });
    const recorded = record(
      runnerOf(async ({ attachments = [] }) => attachments[0]?.filename),
      { file },
    );
    await recorded.run(given('pixels of the picture', '01'), attempt());
    expect((await linesOf())[0]).toContain('"sha256":"01"');
    expect((await linesOf())[0]).not.toMatch(/pixels|"data"/);
    const replayed = replay({ file });
    await expect(replayed.run(given('', '01'), attempt())).resolves.toMatchObject({
      output: 'a.png',
    });
    await expect(replayed.run(given('', '02'), attempt())).rejects.toThrow(
      'the prompt was recorded, but with different attachments',
    );
  });

  test('is appended to, also by several runs at once', async () => {
    const recorded = record(
      runnerOf(async ({ prompt }) => prompt),
      { file },
    );
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => recorded.run(request(`p${index}`), attempt())),
    );
    await record(
      runnerOf(async () => 1),
      { file },
    ).run(request('later'), attempt());
    expect(await linesOf()).toHaveLength(31);
    for (const line of await linesOf()) expect(JSON.parse(line)).toMatchObject({ version: 1 });
  });

  test('has no line for an attempt that was aborted', async () => {
    const controller = new AbortController();
    const recorded = record(
      runnerOf(async () => {
        controller.abort();
        throw new RunnerError('aborted', 'stopped');
      }),
      { file },
    );
    const context = attempt({ signal: controller.signal });
    await expect(recorded.run(request('a'), context)).rejects.toMatchObject({ code: 'aborted' });
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('has the error of a runner that resolves to undefined', async () => {
    const nothing = { name: 'nothing', run: async () => undefined as never };
    const recorded = record(nothing, { file }).run(request('a'), attempt());
    await expect(recorded).rejects.toMatchObject({ code: 'invalid_output' });
    const [line = ''] = await linesOf();
    expect(JSON.parse(line)).toMatchObject({ error: { code: 'invalid_output' } });
  });

  test('that cannot be written leads to a notice, and the attempt still succeeds', async () => {
    await writeFile(join(folder, 'fixtures'), 'no folder');
    const context = attempt();
    const recorded = record(
      runnerOf(async () => 'fine'),
      { file },
    );
    expect((await recorded.run(request('a'), context)).output).toBe('fine');
    expect(context.emitted).toMatchObject([
      { kind: 'notice', message: expect.stringContaining('could not record the request: ') },
    ]);
  });

  test('takes the recorded time with recordedLatency', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const recorded = record(
      runnerOf(() => new Promise((resolve) => setTimeout(() => resolve('slow'), 4_000))),
      { file },
    );
    const answer = recorded.run(request('a'), attempt());
    await vi.advanceTimersByTimeAsync(4_000);
    vi.useRealTimers();
    await answer;
    const [line = ''] = await linesOf();
    expect(JSON.parse(line).durationMs).toBe(4_000);
    const controller = new AbortController();
    const replayed = replay({ file, recordedLatency: true });
    const waiting = replayed.run(request('a'), attempt({ signal: controller.signal }));
    setTimeout(() => controller.abort(), 10);
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await expect(replay({ file }).run(request('a'), attempt())).resolves.toMatchObject({
      output: 'slow',
    });
  });
});

describe('a request that was not recorded', () => {
  beforeEach(async () => {
    const recorded = record(
      runnerOf(async () => 'x'),
      { file },
    );
    await recorded.run(request('Compare the prices of lamps.'), attempt());
  });
  const ask = (given: TaskRequest) => replay({ file }).run(given, attempt());

  test('fails and says where the nearest one differs', async () => {
    await expect(ask(request('Compare the prices of chairs.'))).rejects.toMatchObject({
      code: 'invalid_request',
      message:
        `replay(): ${file} has no recording of the request of task "a". The nearest recorded ` +
        'prompt, of task "a", differs from character 23: recorded "lamps.", requested "chairs."',
    });
  });

  test('fails and names the other fields that differ when the prompt is the same', async () => {
    const same = request('Compare the prices of lamps.');
    await expect(ask({ ...same, metadata: { x: 1 } })).rejects.toThrow(
      'the prompt was recorded, but with different metadata',
    );
  });
});

describe('a file', () => {
  test.each([
    ['that is not there', undefined, 'cannot read'],
    ['that is empty', '', 'the file is empty'],
  ])('%s is an error of the attempt', async (_, text, message) => {
    const path = join(folder, 'some.jsonl');
    if (text !== undefined) await writeFile(path, text);
    await expect(replay({ file: path }).run(request('a'), attempt())).rejects.toThrow(message);
  });

  test.each([
    ['a torn last line', '{"version":1,"key":"a","parts":['],
    [
      'a line of another version',
      '{"version":9,"key":"a","request":{},"parts":[],"answer":{"output":1}}',
    ],
    ['a line without an answer', '{"version":1,"key":"a","request":{},"parts":[]}'],
    ['a line that is no recording', '"hello"'],
  ])('with %s says which', async (_, line) => {
    await record(
      runnerOf(async () => 'x'),
      { file },
    ).run(request('a'), attempt());
    await appendFile(file, line);
    await expect(replay({ file }).run(request('a'), attempt())).rejects.toThrow(
      `${file}:2 is not a complete recording; remove the line or record it again`,
    );
  });
});

describe('secrets', () => {
  const planted = {
    openai: 'sk-proj-AbCdEf0123456789',
    anthropic: 'sk-ant-api03-AbCdEf0123456789',
    bearer: 'Bearer abcdef0123456789',
    google: 'AIzaSyA0123456789abcdefghijklmnopqrstuv',
    github: 'ghp_0123456789abcdefghijABCDEFGHIJ012345',
    slack: 'xoxb-0123456789-abcdefghij',
    aws: 'AKIAIOSFODNN7EXAMPLE',
    jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P',
    own: 'correct horse battery',
    environment: 'value-of-the-environment',
  };
  const all = Object.values(planted).join(' and ');

  test('are redacted wherever they occur', async () => {
    vi.stubEnv('MY_SERVICE_TOKEN', planted.environment);
    const secrets = [planted.own, /order \d+/];
    const leaky = tool({
      name: 'leaky',
      description: 'x',
      inputSchema: {
        '~standard': {
          ...{ version: 1, vendor: 'x', validate: (value: unknown) => ({ value }) },
          jsonSchema: { output: () => ({ type: 'object' }) },
        },
      },
      execute: () => ({ [all]: all }),
    });
    let calls = 0;
    const runner = runnerOf(async ({ tools = [] }, { emit }) => {
      if (++calls === 1) {
        throw new RunnerError('authentication', `bad key: ${all}`, { cause: new Error(all) });
      }
      emit({ kind: 'notice', source: 'x', message: all });
      await tools[0]?.call({ key: all });
      emit(`text ${all} order 66`);
      return { list: [all], [all]: 'as a name' };
    });
    const plan = createPlan('x').addTask({
      id: 'a',
      description: `Use ${all}, order 77.`,
      metadata: { nested: { key: all } },
      tools: [leaky],
    });
    const executor = createExecutor({
      strategy: inOrder,
      runner: record(runner, { file, secrets }),
      retry: { on: ['authentication'], initialDelayMs: 1 },
    });
    expect((await executor.execute(plan)).status).toBe('completed');
    const text = await readFile(file, 'utf8');
    for (const [name, secret] of Object.entries(planted)) {
      expect(text.includes(secret), name).toBe(false);
    }
    expect(text).not.toMatch(/order \d/);
    expect(text).toContain('[redacted]');
    expect(await linesOf()).toHaveLength(2);
    // It is found again by what was really asked.
    const again = createExecutor({ strategy: inOrder, runner: replay({ file }) });
    expect(
      (await again.execute(plan, { retry: { on: ['authentication'], initialDelayMs: 1 } })).status,
    ).toBe('completed');
    vi.unstubAllEnvs();
  });

  test('that are short placeholders are not redacted', () => {
    const scrub = scrubber(['none'], { MY_KEY: 'x', OTHER_TOKEN: undefined });
    expect(scrub('none of x')).toBe('none of x');
  });

  test('that contain one another are redacted as a whole', () => {
    const scrub = scrubber(['abcdef', 'abcdefghij'], {});
    expect(scrub(['abcdefghij', { abcdef: 1 }])).toEqual(['[redacted]', { '[redacted]': 1 }]);
  });
});

describe('record and replay pass the conformance suite', () => {
  const recorded = () => record(simulated({ latencyMs: 1 }), { file });
  const cases = runnerConformance(recorded, {
    failing: () => record(simulated({ latencyMs: 1, failureRate: 1 }), { file }),
    hanging: () => record(simulated({ latencyMs: 60_000 }), { file }),
  });
  for (const { name, run } of cases) test(name, run);
});

test.each<[() => unknown, string]>([
  [() => record(simulated(), {} as never), 'record(): file must be the path of a file'],
  [
    () => record(simulated(), { file: 'x', secret: [] } as never),
    'record() has no option "secret"',
  ],
  [() => record(simulated(), { file: 'x', secrets: [1] } as never), 'secrets must be a list of'],
  [() => record({} as never, { file: 'x' }), 'its first argument must be a TaskRunner'],
  [() => replay({} as never), 'replay(): file must be the path of a file'],
  [
    () => replay({ file: 'x', recordedLatency: 5 } as never),
    'recordedLatency must be true or false',
  ],
])('what makes no sense is refused: %#', (create, message) => {
  expect(create).toThrow(message);
});
