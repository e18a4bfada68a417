import { spawnSync } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type StratagemOptions, start } from '../test/stratagem.js';

const stratagem = (args: string[], options: StratagemOptions) => start(args, options).ended;
const plan = 'goal: Report\ntasks: [{ id: a, description: Do it }]\n';

describe('an internal error', () => {
  /** Throws an uncaught error, as a dependency might, once the run listens for signals. */
  const boom =
    'data:text/javascript,setInterval(()=>{if(process.listenerCount(`SIGINT`))throw(new(Error)(`boom`))},10)';
  const args = ['run', '-', '--latency', '600000'];

  test('is one line, with exit code 1', async () => {
    const { exitCode, stderr } = await stratagem(args, {
      stdin: plan,
      env: { NODE_OPTIONS: `--import=${boom}` },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/\nstratagem: boom \(use DEBUG=1 for a stack trace\)\n$/);
  });

  test('comes with its stack under DEBUG', async () => {
    const { exitCode, stderr } = await stratagem(args, {
      stdin: plan,
      env: { NODE_OPTIONS: `--import=${boom}`, DEBUG: '1' },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/\nstratagem: boom\nError: boom\n {4}at /);
  });
});

test.skipIf(!existsSync('/dev/full'))('a full disk is an error, not a success', () => {
  const bin = fileURLToPath(new URL('../bin/stratagem.js', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [bin, 'graph', '-'], {
    input: plan,
    stdio: ['pipe', openSync('/dev/full', 'w'), 'pipe'],
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^stratagem: cannot write: ENOSPC.*\(use DEBUG=1 for a stack trace\)\n$/);
});

test('a file that is too large is refused before it is parsed', async () => {
  const { exitCode, stdout, stderr } = await stratagem(['validate', '-'], {
    stdin: '#'.repeat(20_000_001),
  });
  expect(stderr).toBe('<stdin>: larger than 20 MB: load files of this size from code\n');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('control characters of a command are made visible in every message', async () => {
  const task = { id: 'a', description: 'Ok?', waitFor: 'approval' };
  const stdin = JSON.stringify({ goal: 'Report', tasks: [task] });
  const commands = [
    ['run', '-', '--approve', 'b\u001b[2J'],
    ['run', '-', '--answer', 'a\u001b[2J=1'],
    ['run', '-', '--un\u001bknown'],
  ];
  for (const { stderr } of await Promise.all(commands.map((args) => stratagem(args, { stdin })))) {
    expect(stderr).toContain('\u241b');
    expect(stderr).not.toContain('\u001b');
  }
});
