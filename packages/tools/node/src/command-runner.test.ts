import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandCall, RunContext } from '@stratagem/core';
import { describe, expect, test, vi } from 'vitest';
import { type CommandRunnerOptions, commandRunner } from './index.js';

function run(
  script: string,
  call: Partial<CommandCall> & { readonly args?: readonly string[] } = {},
  options: CommandRunnerOptions = {},
  signal = new AbortController().signal,
): Promise<unknown> {
  const { args = [], ...rest } = call;
  const argv = [process.execPath, '-e', script, ...args];
  return commandRunner(options).run({ argv, output: 'text', ...rest }, { signal } as RunContext);
}

describe('commandRunner', () => {
  test('returns standard output as text, or as JSON', async () => {
    expect(await run('console.log("a\\nb")')).toBe('a\nb');
    expect(await run('console.log(\'{"n":1}\')', { output: 'json' })).toEqual({ n: 1 });
    await expect(run('console.log("n")', { output: 'json' })).rejects.toMatchObject({
      code: 'invalid_output',
    });
  });

  test('passes each argument as it is, because there is no shell', async () => {
    const args = ['$(touch x)', '; rm -rf .', 'a b', '*', ''];
    const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
    expect(await run(script, { args, output: 'json' })).toEqual(args);
  });

  test('gives standard input, its variables and few others', async () => {
    vi.stubEnv('STEP_SECRET', 'hunter2');
    vi.stubEnv('STEP_PASSED', 'yes');
    const script =
      'process.stdin.pipe(process.stdout); process.stdin.on("end", () => console.log(JSON.stringify(process.env)))';
    const text = (await run(
      script,
      { stdin: 'in', env: { OWN: 'x' } },
      { passEnv: ['STEP_PASSED'] },
    )) as string;
    vi.unstubAllEnvs();
    const env = JSON.parse(text.slice(2));
    expect(text.slice(0, 2)).toBe('in');
    expect(env).toMatchObject({ OWN: 'x', STEP_PASSED: 'yes', PATH: process.env.PATH });
    expect(env).not.toHaveProperty('STEP_SECRET');
  });

  test('survives a program that does not read its input', async () => {
    expect(await run('process.stdout.write("x")', { stdin: 'y'.repeat(1_000_000) })).toBe('x');
  });

  test('runs in its directory', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'stratagem-cwd-')));
    expect(await run('console.log(process.cwd())', {}, { cwd: folder })).toBe(folder);
    expect(await run('console.log(process.cwd())', { cwd: '..' }, { cwd: folder })).toBe(
      await realpath(tmpdir()),
    );
    await rm(folder, { recursive: true });
  });

  test('fails with the end of standard error', async () => {
    const script = 'console.error("x".repeat(5000)); console.error("it broke"); process.exit(3)';
    const failure = await run(script).catch((error: Error) => error);
    expect(failure).toMatchObject({
      code: 'task_failed',
      message: expect.stringMatching(/it broke$/),
    });
    expect((failure as Error).message).toContain('ended with code 3: ');
    expect((failure as Error).message.length).toBeLessThan(2_200);
    const missing = commandRunner().run({ argv: ['no-such-program'], output: 'text' }, {
      signal: new AbortController().signal,
    } as RunContext);
    await expect(missing).rejects.toThrow('there is no such program');
  });

  test('stops a program that writes too much', async () => {
    const script = 'for (;;) process.stdout.write("x".repeat(65536))';
    await expect(run(script, {}, { maxOutputBytes: 1_000 })).rejects.toThrow(
      'more than 1000 bytes',
    );
  });

  test('stops a program that takes too long, with all that it has started', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stratagem-group-'));
    const file = join(folder, 'pids');
    // It ignores the request to end, and so does its child.
    const idle = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);';
    const script = `${idle} const { spawn } = require("child_process");
      const child = spawn(process.execPath, ["-e", ${JSON.stringify(`${idle} console.log("up")`)}]);
      child.stdout.on("data", () => {
        require("fs").writeFileSync(${JSON.stringify(file)}, JSON.stringify([process.pid, child.pid]));
        console.log("up");
      });`;
    const stop = new AbortController();
    const running = run(script, {}, { killGraceMs: 20 }, stop.signal);
    const pids: number[] = await vi.waitFor(
      async () => JSON.parse(await readFile(file, 'utf8')),
      100_000,
    );
    stop.abort(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    await rm(folder, { recursive: true });
    await expect(run(idle, {}, { timeoutMs: 50, killGraceMs: 20 })).rejects.toMatchObject({
      code: 'timeout',
    });
    await expect(run('', {}, {}, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });

  test('ends what a stopped program has started, even when the program itself ends at once', async () => {
    // The child ignores the request to end, and keeps no pipe open.
    const idle =
      'process.on("SIGTERM", () => {}); process.send("up"); setInterval(() => {}, 1000);';
    const script = `const { spawn } = require("child_process");
      const stdio = ["ignore", "ignore", "ignore", "ipc"];
      const child = spawn(process.execPath, ["-e", ${JSON.stringify(idle)}], { stdio });
      child.on("message", () => require("fs").writeFileSync("pid", String(child.pid)));`;
    const folder = await mkdtemp(join(tmpdir(), 'stratagem-group-'));
    const stop = new AbortController();
    const running = run(script, {}, { cwd: folder, killGraceMs: 60_000 }, stop.signal);
    const pid = await vi.waitFor(async () => {
      const found = Number(await readFile(join(folder, 'pid'), 'utf8'));
      expect(found).toBeGreaterThan(0);
      return found;
    }, 100_000);
    stop.abort(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    await expect.poll(() => isAlive(pid)).toBe(false);
    await rm(folder, { recursive: true });
  });

  test.each([{ timeoutMs: 0 }, { maxOutputBytes: 0 }, { passEnv: 'PATH' }, { shell: true }])(
    'refuses the option %j',
    (options) => {
      expect(() => commandRunner(options as never)).toThrow('commandRunner()');
    },
  );
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
