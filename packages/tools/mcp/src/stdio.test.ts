import { mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createExecutor, createPlan, type TaskRunner, type Tool } from '@stratagem/core';
import { inOrder } from '@stratagem/test-kit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { call } from '../test/call.js';
import { type McpTools, mcpTools } from './index.js';
import type { McpStdioOptions } from './options.js';

const script = fileURLToPath(new URL('../test/stdio-server.js', import.meta.url));
/** A process starts and ends when the machine has time for it. */
const PATIENTLY = { timeout: 300_000 };
const SECRET = 'a-secret-of-the-server';

function start(kind: string, options: Partial<McpStdioOptions> = {}): Promise<McpTools> {
  return mcpTools({ command: process.execPath, args: [script, kind], ...options });
}

const namesOf = ({ tools }: { tools: readonly Tool[] }) => tools.map(({ name }) => name);

describe('the tools of a server', () => {
  let server: McpTools;
  beforeAll(async () => {
    server = await start('tools');
  });
  afterAll(() => server.close());

  test('have names, descriptions and schemas', () => {
    const [add] = server.tools;
    expect(add).toMatchObject({ name: 'add', description: 'Adds two numbers.' });
    expect(add?.inputSchema['~standard'].jsonSchema?.input?.({ target: 'draft-2020-12' })).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
    });
  });

  test('return data or text, and mention other content', async () => {
    expect(await call(server, 'add', { a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(await call(server, 'greet', { name: 'Ada' })).toBe('Hello Ada.\nHave a nice day.');
    expect(await call(server, 'look')).toBe(
      [
        'I see this:',
        '[image: image/png, 5 bytes]',
        '[audio: audio/wav, 3 bytes]',
        '[resource: file:///a.txt, a.txt, a file]',
        '[resource: file:///b.txt]',
        'Bees.',
        '[resource: file:///c.bin, 4 bytes]',
      ].join('\n'),
    );
  });

  test('can be called concurrently', async () => {
    expect(await Promise.all([call(server, 'meet'), call(server, 'meet')])).toEqual([
      'We met.',
      'We met.',
    ]);
  });

  test('fail with the message of the server', async () => {
    await expect(call(server, 'fail')).rejects.toThrow(/^The disk is full\.$/);
    await expect(call(server, 'fail_silently')).rejects.toThrow(
      'the tool failed without a message',
    );
  });

  test('fail with the message of the server for an invalid call', async () => {
    await expect(call(server, 'greet', { name: 1 })).rejects.toThrow(/name/);
  });

  test('are called by a model in a plan, which gets the errors', async () => {
    const told: string[] = [];
    const model: TaskRunner = {
      name: 'a model',
      supportsTools: true,
      async run({ tools = [] }) {
        const use = async (name: string, input: unknown) => {
          const answer = await tools.find((each) => each.name === name)?.call(input);
          told.push(answer?.text ?? 'no such tool');
        };
        await use('add', { a: 'one', b: 2 });
        await use('fail', {});
        await use('add', { a: 1, b: 2 });
        return { output: told.at(-1) };
      },
    };
    const plan = createPlan('Count').addTask({
      id: 'sum',
      description: 'What is 1 + 2?',
      tools: server.tools,
    });
    const result = await createExecutor({ strategy: inOrder, runner: model }).execute(plan);
    expect(result.outputs).toEqual({ sum: '{"sum":3}' });
    expect(told).toEqual([
      'Error: the input does not match the schema: data/a must be number',
      'Error: The disk is full.',
      '{"sum":3}',
    ]);
    const kinds = result.timeline.flatMap((event) =>
      event.type === 'task_output' ? [event.kind] : [],
    );
    expect(kinds.filter((kind) => kind === 'tool_result')).toHaveLength(3);
  });

  test('are cut with a note when they are too long', async () => {
    const text = (await call(server, 'talk', { length: 100_010 })) as string;
    expect(text).toHaveLength(100_000 + '\n[cut: 10 of 100010 characters are left out]'.length);
    expect(text).toMatch(/x\n\[cut: 10 of 100010 characters are left out\]$/);
    expect(await call(server, 'talk', { length: 100_000 })).toHaveLength(100_000);
    await using brief = await start('tools', { maxResultLength: 12 });
    expect(await call(brief, 'count', { length: 9 })).toBe(
      '{"numbers":[\n[cut: 19 of 31 characters are left out]',
    );
    expect(await call(brief, 'add', { a: 1, b: 2 })).toEqual({ sum: 3 });
    // The message of a failure, too.
    await expect(call(brief, 'fail')).rejects.toThrow(
      /^The disk is \n\[cut: 5 of 17 characters are left out\]$/,
    );
  });

  test('return the text when the promised structured content is missing', async () => {
    await using promising = await start('promising');
    expect(await call(promising, 'sum', { a: 1 })).toBe('{"name":"sum","arguments":{"a":1}}');
  });

  test('that hang are canceled with the attempt, and the server is notified', async () => {
    const controller = new AbortController();
    const hanging = call(server, 'hang', {}, controller.signal);
    await call(server, 'greet', { name: 'Ada' });
    controller.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow('enough');
    await expect(call(server, 'hang', {}, controller.signal)).rejects.toThrow('enough');
    expect(await call(server, 'canceled')).toBe('["hang"]');
  });
});

describe('the time limit', () => {
  afterEach(() => vi.useRealTimers());

  test('ends a call that takes longer, and the server is notified', async () => {
    const server = await start('tools', { timeoutMs: 100_000 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const hanging = call(server, 'hang').catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await hanging).toMatchObject({
      code: 'timeout',
      message: 'MCP server "test-server": no response within 100000 ms',
    });
    expect(await call(server, 'canceled')).toBe('["hang"]');
    vi.useRealTimers();
    await server.close();
  });

  test('begins again with each report of progress', async () => {
    const server = await start('tools', { timeoutMs: 100_000 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const working = call(server, 'work');
    for (let report = 0; report < 3; report++) {
      await call(server, 'greet', { name: 'Ada' });
      await vi.advanceTimersByTimeAsync(80_000);
      await call(server, 'report');
    }
    await call(server, 'finish');
    expect(await working).toBe('Done.');
    vi.useRealTimers();
    await server.close();
  });

  test('ends the wait for a server that never lists its tools', async () => {
    await expect(start('mute', { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('ends the wait for a server that never initializes, and ends its process', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mcp-')), 'pid');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const args = [script, 'silent', file];
    const server = start('silent', { args, timeoutMs: 100_000 }).catch((thrown: unknown) => thrown);
    const pid = await vi.waitFor(() => {
      const written = Number(readFileSync(file, 'utf8'));
      expect(written).toBeGreaterThan(0);
      return written;
    }, PATIENTLY);
    expect(isAlive(pid)).toBe(true);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await server).toMatchObject({
      code: 'timeout',
      message: `MCP server "${process.execPath}": no response within 100000 ms`,
    });
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), PATIENTLY);
  });
});

describe('a server', () => {
  test('gets only harmless environment variables, and those of env', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-planted');
    const server = await start('tools', { env: { SERVER_TOKEN: SECRET } });
    const environment = JSON.parse(String(await call(server, 'environment')));
    await server.close();
    vi.unstubAllEnvs();
    expect(environment).toMatchObject({ SERVER_TOKEN: SECRET, PATH: process.env.PATH });
    expect(environment).not.toHaveProperty('OPENAI_API_KEY');
  });

  test('that quotes a secret in an error has it redacted', async () => {
    await using server = await start('tools', { env: { SERVER_TOKEN: SECRET } });
    await expect(call(server, 'fail_loudly')).rejects.toThrow('The token [redacted] has expired.');
  });

  test('runs in cwd, and receives clientName', async () => {
    const cwd = realpathSync(tmpdir());
    const server = await start('tools', { cwd, clientName: 'my-program' });
    expect(await call(server, 'process')).toMatchObject({ directory: cwd });
    expect(await call(server, 'client')).toMatch(/"my-program"/);
    await server.close();
    const other = await start('tools');
    expect(await call(other, 'client')).toMatch(/"stratagem"/);
    await other.close();
  });

  test('may speak only the newer protocol', async () => {
    const server = await start('modern');
    expect(await call(server, 'add', { a: 1, b: 2 })).toEqual({ sum: 3 });
    await server.close();
  });

  test('may list its tools in pages', async () => {
    await using server = await start('paged');
    expect(namesOf(server)).toEqual([
      'tool-0',
      'other-0',
      'tool-1',
      'other-1',
      'tool-2',
      'other-2',
    ]);
  });

  test('may have no tools, without printed output', async () => {
    const spies = (['log', 'debug', 'info', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name),
    );
    await using server = await start('toolless');
    expect(server.tools).toEqual([]);
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  test('that responds with more than the SDK accepts is disconnected, with the reason in the error', async () => {
    await using server = await start('endless', { timeoutMs: 300_000 });
    await expect(call(server, 'read')).rejects.toMatchObject({
      code: 'connection',
      message: expect.stringMatching(/it has stopped: .*exceeded maximum size/),
    });
  });

  test('that crashes fails the calls in flight, and is started again for the next one', async () => {
    const server = await start('tools', { env: { SERVER_TOKEN: SECRET } });
    const waiting = call(server, 'hang').catch((thrown: unknown) => thrown);
    const crash = await call(server, 'crash').catch((thrown: unknown) => thrown);
    const expected = {
      code: 'connection',
      message:
        'MCP server "test-server": it has stopped; its last output: ' +
        'out of memory, the token was [redacted]',
    };
    expect(crash).toMatchObject(expected);
    expect(await waiting).toMatchObject(expected);
    // Calls that arrive together start one server.
    const pids = await Promise.all([call(server, 'process'), call(server, 'process')]);
    expect(pids[0]).toEqual(pids[1]);
    expect(await call(server, 'greet', { name: 'Ada' })).toContain('Hello Ada.');
    await server.close();
    expect(isAlive((pids[0] as { pid: number }).pid)).toBe(false);
  });

  test('that ends at once is an error with its latest output', async () => {
    await expect(start('broken', { env: { SERVER_TOKEN: SECRET } })).rejects.toMatchObject({
      name: 'RunnerError',
      code: 'connection',
      message:
        `MCP server "${process.execPath}": it has stopped; its last output: ` +
        'cannot read the configuration for [redacted]',
    });
  });

  test('that writes a long text before it ends is quoted with the end of the text', async () => {
    const failure = await start('loud').catch((thrown: Error) => thrown);
    const { message } = failure as Error;
    expect(message).toMatch(/many words the end$/);
    expect(message.length).toBeLessThan(1_200);
  });

  test('that cannot be started is an error with the reason', async () => {
    const command = '/there/is/no/such/program';
    await expect(mcpTools({ command, args: [`--token=${SECRET}`] })).rejects.toMatchObject({
      code: 'connection',
      message: `MCP server "${command}": no connection: spawn ${command} ENOENT`,
    });
  });
});

describe('closing', () => {
  afterEach(() => vi.useRealTimers());

  test('ends the process, fails calls in flight, and leaves no handle', async () => {
    const before = await settledHandles();
    const server = await start('tools');
    const { pid } = (await call(server, 'process')) as { pid: number };
    const hanging = call(server, 'hang').catch((thrown: unknown) => thrown);
    expect(isAlive(pid)).toBe(true);
    expect(handles().length).toBeGreaterThan(before.length);
    await server.close();
    expect(isAlive(pid)).toBe(false);
    await vi.waitFor(() => expect(handles()).toEqual(before), PATIENTLY);
    const closed = 'MCP server "test-server": the connection has been closed';
    expect(await hanging).toMatchObject({ code: 'connection', message: closed });
    await expect(call(server, 'greet', { name: 'Ada' })).rejects.toThrow(closed);
    await server.close();
  });

  test('ends a server that ignores signals', async () => {
    const server = await start('stubborn');
    const { pid } = (await call(server, 'process')) as { pid: number };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const closed = server.close();
    // The SDK closes the input, asks, and then kills, with two seconds between.
    await vi.advanceTimersByTimeAsync(2_000);
    expect(isAlive(pid)).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    vi.useRealTimers();
    await closed;
    expect(isAlive(pid)).toBe(false);
  });

  test('happens for a server whose tools are invalid', async () => {
    const before = await settledHandles();
    await expect(start('clashing')).rejects.toThrow(
      'mcpTools(): the tools "files.read" and "files/read" of "list-server" would both be called ' +
        '"files_read"; exclude one of them',
    );
    await vi.waitFor(() => expect(handles()).toEqual(before), PATIENTLY);
  });
});

describe('the selected tools', () => {
  test('are selected by their names on the server', async () => {
    await using included = await start('paged', { include: ['tool-1', 'other-2'] });
    expect(namesOf(included)).toEqual(['tool-1', 'other-2']);
    await using excluded = await start('clashing', { exclude: ['files.read'] });
    expect(namesOf(excluded)).toEqual(['files_read']);
    await using both = await start('paged', { include: ['tool-1', 'tool-2'], exclude: ['tool-1'] });
    expect(namesOf(both)).toEqual(['tool-2']);
  });

  test('that need approval are all of them, or those that are named', async () => {
    const asking = (tools: McpTools) =>
      tools.tools.flatMap(({ name, needsApproval }) => (needsApproval === true ? [name] : []));
    const options = { include: ['tool-1', 'tool-2'], prefix: 'x_' };
    await using named = await start('paged', { ...options, needsApproval: ['tool-2'] });
    expect(asking(named)).toEqual(['x_tool-2']);
    await using all = await start('paged', { ...options, needsApproval: true });
    expect(asking(all)).toEqual(['x_tool-1', 'x_tool-2']);
    await expect(start('paged', { needsApproval: ['tol-1'] })).rejects.toThrow(
      'has no tool "tol-1"',
    );
  });

  test.each(['include', 'exclude'])(
    'cannot be chosen by a name that is not there (%s)',
    async (option) => {
      await expect(start('clashing', { [option]: ['files.rea'] })).rejects.toThrow(
        'mcpTools(): "list-server" has no tool "files.rea"; it has files.read, files/read',
      );
    },
  );

  test('may have a prefix, which the server does not see', async () => {
    await using server = await start('odd', { prefix: 'disk_' });
    expect(namesOf(server)[0]).toBe('disk_files_read_all');
    expect(JSON.parse(String(await call(server, 'disk_files_read_all', { a: 1 })))).toEqual({
      name: 'files/read.all',
      arguments: { a: 1 },
    });
  });

  test('have names that providers accept, and a description', async () => {
    await using server = await start('odd');
    expect(server.tools.map(({ name, description }) => [name, description])).toEqual([
      ['files_read_all', 'Read all'],
      ['x'.repeat(64), 'x'.repeat(80)],
      ['old', 'This is old.'],
    ]);
  });

  test('may have schemas with the same ids on several servers', async () => {
    const one = (type: string) => start('identified', { args: [script, 'identified', type] });
    await using texts = await one('string');
    await using numbers = await one('number');
    const check = ({ tools }: McpTools, value: unknown) =>
      tools[0]?.inputSchema['~standard'].validate({ value });
    expect(check(texts, 'a')).toEqual({ value: { value: 'a' } });
    expect(check(numbers, 1)).toEqual({ value: { value: 1 } });
    expect(check(numbers, 'a')).toHaveProperty('issues');
  });

  test('may have schemas of an unknown dialect, which are not checked', async () => {
    await using server = await start('odd', { include: ['old'] });
    const { validate, jsonSchema } = server.tools[0]?.inputSchema['~standard'] ?? {};
    expect(validate?.({ count: -1 })).toEqual({ value: { count: -1 } });
    expect(jsonSchema?.output({ target: 'draft-2020-12' })).toMatchObject({
      properties: { count: { type: 'integer' } },
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The processes and pipes that keep this process from ending. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /^(Process|Pipe)/.test(kind));
}

/** Those that stay; the ones of the last test may still be closing. */
async function settledHandles(): Promise<string[]> {
  return vi.waitFor(() => {
    expect(handles()).not.toContain('ProcessWrap');
    return handles();
  }, PATIENTLY);
}
