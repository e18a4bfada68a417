import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunEvent } from '@stratagem/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChatRequest, chatServer } from '../../test/chat-server.js';
import { stratagem } from '../../test/stratagem.js';
import { inVirtualTime } from '../../test/virtual-time.js';

const plan =
  'goal: Report\ntasks: [{ id: a, description: Do it }, { id: b, description: Then that }]\n';
const env = { OPENAI_API_KEY: 'sk-test-7f3a9c1e5b2d' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stratagem-'));
});
afterAll(() => rm(folder, { recursive: true }));

function outputsOf({ tasks }: { tasks: { output?: unknown }[] }): unknown[] {
  return tasks.map(({ output }) => output);
}

/** The timeline in the output of `run --json`. */
function timelineOf(stdout: string): RunEvent[] {
  return JSON.parse(stdout).timeline;
}

describe('limits', () => {
  test('delay requests, with a notice in the progress', async () => {
    const args = ['run', '-', '--latency', '1', '--requests-per-minute', '40'];
    const { exitCode, stderr } = await inVirtualTime(() => stratagem(args, { stdin: plan }));
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/notice {4}b: waited .* for the limit of 40 requests per minute/);
  });

  test.each(['0', '1.5', 'many'])('must be integers: %s', async (value) => {
    const { exitCode, stderr } = await stratagem(['run', '-', '--requests-per-minute', value]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Expected an integer ≥ 1.');
  });

  test('of a server that asks to wait are shown', async () => {
    let asked = 0;
    await using server = await chatServer(() =>
      ++asked === 1
        ? { status: 429, message: 'Later.', headers: { 'retry-after-ms': '300' } }
        : 'Done.',
    );
    const args = ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'm'];
    const { exitCode, stderr } = await stratagem(args, { stdin: plan, env });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('paused    openai/m for 300 ms: rate_limited');
  });
});

describe('a cache', () => {
  test('answers repeated requests at no cost', async () => {
    await using server = await chatServer(() => 'Forty-two.');
    const args = ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'm'];
    const options = { stdin: plan, env };
    const cached = [...args, '--cache', join(folder, 'cache'), '--json'];
    const first = JSON.parse((await stratagem(cached, options)).stdout);
    const second = JSON.parse((await stratagem(cached, options)).stdout);
    expect(outputsOf(second)).toEqual(['Forty-two.', 'Forty-two.']);
    expect(outputsOf(first)).toEqual(outputsOf(second));
    expect(server.requests).toHaveLength(2);
    expect(second.metrics.usage.inputTokens).toBe(0);
    const { stderr } = await stratagem(cached.slice(0, -1), options);
    expect(stderr).toMatch(/notice {4}a: .*cache/);
  });
});

describe('a recording', () => {
  test('replaces the provider, and contains no key', async () => {
    const file = join(folder, 'recording.jsonl');
    await using server = await chatServer(() => `Your key is ${env.OPENAI_API_KEY}.`);
    const args = ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'm'];
    const recorded = await stratagem([...args, '--record', file], { stdin: plan, env });
    expect(recorded.exitCode).toBe(0);
    expect(await readFile(file, 'utf8')).not.toContain(env.OPENAI_API_KEY);
    const replayed = await stratagem(['run', '-', '--replay', file, '--json'], { stdin: plan });
    expect(replayed.stderr).not.toContain('simulated');
    const [output] = outputsOf(JSON.parse(replayed.stdout));
    expect(output).toMatch(/^Your key is \[.*\]\.$/);
    expect(server.requests).toHaveLength(2);
  });

  test('that is missing is a usage error', async () => {
    const args = ['run', '-', '--replay', join(folder, 'none.jsonl')];
    const { exitCode, stderr } = await stratagem(args, { stdin: plan });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('none.jsonl');
  });

  test.each([
    ['--runner', 'openai'],
    ['--model', 'm'],
    ['--latency', '5'],
  ])('makes %s ineffective, which is an error', async (option, value) => {
    const args = ['run', '-', '--replay', 'x.jsonl', option, value];
    const { exitCode, stderr } = await stratagem(args, { stdin: plan });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${option} has no effect with --replay`);
  });
});

test.each(['--cache', '--record', '--replay', '--mcp-config', '--prices'])(
  '%s needs a value that is not empty',
  async (option) => {
    const { exitCode, stderr } = await stratagem(['run', '-', option, ''], { stdin: plan });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      new RegExp(
        `option '${option} <\\w+>' argument '' is invalid. Expected a value that is not empty.`,
      ),
    );
  },
);

describe('a key that the server quotes in its errors', () => {
  test('is never printed or written, with any wrapper', async () => {
    const written = await mkdtemp(join(folder, 'written-'));
    const [cache, file] = [join(written, 'cache'), join(written, 'recording.jsonl')];
    const quoted: unknown[] = [];
    const reply = ({ headers }: ChatRequest) => {
      quoted.push(headers.authorization);
      if (quoted.length % 2 === 0) return 'Done.';
      const message = `No capacity for ${headers.authorization}`;
      return { status: 500, message, headers: { 'x-seen': String(headers.authorization) } };
    };
    await using server = await chatServer(reply);
    const args = ['run', '-', '--runner', 'openai', '--base-url', server.url, '--model', 'm'];
    const around = ['--cache', cache, '--record', file, '--requests-per-minute', '6000'];
    for (const more of [['--json'], ['--cache', `${cache}-too`]]) {
      const all = [...args, ...around, ...more];
      const { exitCode, stdout, stderr } = await stratagem(all, { stdin: plan, env });
      expect(exitCode, stderr).toBe(0);
      expect(stdout + stderr).not.toContain(env.OPENAI_API_KEY);
    }
    expect(new Set(quoted)).toEqual(new Set([`Bearer ${env.OPENAI_API_KEY}`]));
    const entries = await readdir(written, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const texts = await Promise.all(
      files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')),
    );
    expect(texts.join('\n')).toContain('No capacity for');
    expect(texts.join('\n')).not.toContain(env.OPENAI_API_KEY);
  });
});

describe('tools', () => {
  const withTools =
    'goal: Order\ntasks: [{ id: a, description: Can we deliver?, tools: [stock] }]\n';
  const server = fileURLToPath(new URL('../../test/mcp-server.js', import.meta.url));

  async function configOf(config: unknown): Promise<string> {
    const file = join(folder, 'mcp.json');
    await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config));
    return file;
  }

  test('come from the MCP servers of a configuration file', async () => {
    const config = await configOf({
      mcpServers: { stock: { command: process.execPath, args: [server] } },
    });
    const args = ['run', '-', '--latency', '1', '--mcp-config', config];
    const { exitCode, stdout, stderr } = await stratagem([...args, '--json'], { stdin: withTools });
    expect(exitCode, stderr).toBe(0);
    const results = timelineOf(stdout).filter(
      (event) => event.type === 'task_output' && event.kind === 'tool_result',
    );
    expect(results).toMatchObject([{ tool: 'stock', ok: true }]);
    expect((await stratagem(args, { stdin: withTools })).stderr).toContain('tool      a: stock');
  });

  test.each([
    ['--approve', true, '12 '],
    ['--reject', false, 'a human rejected this call: with --reject'],
  ])('that need approval are decided by %s', async (option, ok, text) => {
    const config = await configOf({
      mcpServers: { stock: { command: process.execPath, args: [server] } },
    });
    const args = ['run', '-', '--latency', '1', '--mcp-config', config, '--approve-tools', 'stock'];
    const { exitCode, stdout, stderr } = await stratagem([...args, '--json', option, 'a'], {
      stdin: withTools,
    });
    expect(exitCode, stderr).toBe(0);
    const results = timelineOf(stdout).filter(
      (event) => event.type === 'task_output' && event.kind === 'tool_result',
    );
    expect(results).toMatchObject([{ tool: 'stock', ok }]);
    expect(JSON.stringify(results)).toContain(text);
    expect(stderr).toContain('waiting   a for an approval of stock');
  });

  test('that need approval by the file stop a run that nobody can answer', async () => {
    const config = await configOf({
      mcpServers: {
        stock: { command: process.execPath, args: [server], needsApproval: ['stock'] },
      },
    });
    const args = ['run', '-', '--latency', '1', '--mcp-config', config];
    const { exitCode, stderr } = await stratagem(args, { stdin: withTools });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('task "a" asks to call the tool "stock"');
    const early = await stratagem([...args, '--approve-tools', 'stock'], { stdin: withTools });
    expect(early.exitCode).toBe(2);
    expect(early.stderr).toContain('task "a" may call a tool of --approve-tools, and nobody can');
    const wrong = await stratagem([...args, '--approve-tools', 'stok'], { stdin: withTools });
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('--approve-tools stok: there is no such tool; there are stock');
  });

  test('that are missing are a problem of the plan', async () => {
    const { exitCode, stderr } = await stratagem(['run', '-'], { stdin: withTools });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('tasks[0].tools[0]: there is no tool "stock".');
    expect(stderr).toContain('Use --mcp-config to give tasks the tools of MCP servers.');
  });

  test.each<[string, unknown, string]>([
    ['another kind of file', { servers: {} }, 'mcp.json: not an MCP server configuration, such as'],
    ['an unknown field', { mcpServers: { x: { command: 'a', argz: [] } } }, 'mcpServers'],
    ['a syntax error', '{ "mcpServers": [', 'mcp.json:1:'],
    [
      'a server that does not start',
      { mcpServers: { ghost: { command: 'no-such-program-here' } } },
      'cannot connect to the MCP server "ghost"',
    ],
  ])('cannot come from %s', async (_, config, message) => {
    const args = ['run', '-', '--mcp-config', await configOf(config)];
    const { exitCode, stdout, stderr } = await stratagem(args, { stdin: withTools });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
