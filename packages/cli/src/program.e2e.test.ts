import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { stratagem } from '../test/stratagem.js';
import { programSpec } from './completion/command-spec.js';
import { createProgram } from './program.js';

describe('--help', () => {
  test('lists the commands and the exit codes', async () => {
    const { exitCode, stdout, stderr } = await stratagem(['--help']);
    for (const word of ['run', 'resume', 'runs', 'show', 'validate', 'graph', 'simulate', '130']) {
      expect(stdout).toContain(word);
    }
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('of a command lists its options', async () => {
    const { exitCode, stdout } = await stratagem(['run', '--help']);
    for (const option of [
      '--strategy',
      '--max-parallel',
      '--runner',
      '--model',
      '--base-url',
      '--latency',
      '--fail-fast',
      '--deadline',
      '--journal',
      '--reuse',
      '--dry-run',
      '--json',
    ]) {
      expect(stdout).toContain(option);
    }
    expect(exitCode).toBe(0);
    const resume = await stratagem(['resume', '--help']);
    for (const option of [
      '--retry-failed',
      '--accept-changes',
      '--use-recorded-plan',
      '--runner',
      '--approve',
    ]) {
      expect(resume.stdout).toContain(option);
    }
    expect((await stratagem(['graph', '--help'])).stdout).toContain(
      'output format: mermaid, dot, json',
    );
  });
});

test('--version prints the version of the package', async () => {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { exitCode, stdout, stderr } = await stratagem(['--version']);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: `${JSON.parse(manifest).version}\n`,
    stderr: '',
  });
});

describe('help', () => {
  test('of a command is what --help prints', async () => {
    const help = await stratagem(['help', 'run']);
    expect(help).toEqual(await stratagem(['run', '--help']));
    expect(help).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await stratagem(['help'])).toEqual(await stratagem(['--help']));
  });

  test('of an unknown command names the one that was meant', async () => {
    const { exitCode, stdout, stderr } = await stratagem(['help', 'rum']);
    expect(stderr).toContain("unknown command 'rum'\n(Did you mean run?)");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('fits 80 columns', async () => {
    for (const { name } of programSpec(createProgram(() => {})).commands) {
      const { stdout } = await stratagem(['help', name === 'help' ? '--help' : name]);
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });
});

describe('bad usage', () => {
  test.each([
    ['an unknown command', ['rum', 'plan.yaml'], ["'rum'", 'Did you mean run?']],
    ['an unknown option', ['run', 'plan.yaml', '--jsno'], ["'--jsno'", 'Did you mean --json?']],
    ['a missing --journal', ['runs'], ['which journal?', 'Use --journal DIR']],
    ['an empty journal', ['run', 'plan.yaml', '--journal', ''], ['--journal', 'empty']],
    ['a missing run', ['show', '--journal', 'j'], ['missing required argument', 'run']],
    ['a missing plan', ['run'], ['missing required argument', 'plan']],
    ['a plan too many', ['run', 'a.yaml', 'b.yaml'], ['too many arguments']],
    ['an unknown strategy', ['run', 'plan.yaml', '--strategy', 'fast'], ['fast', 'sequential']],
    ['an unknown runner', ['run', 'plan.yaml', '--runner', 'llama'], ['llama', 'anthropic']],
    ['an unknown format', ['graph', 'plan.yaml', '--format', 'svg'], ['svg', 'mermaid']],
    ['an option without its value', ['run', 'plan.yaml', '--model'], ['--model']],
    ...['0', '-1', '1.5', 'abc', ''].map((text): [string, string[], string[]] => [
      `--max-parallel "${text}"`,
      ['run', 'plan.yaml', '--max-parallel', text],
      ['--max-parallel', 'an integer ≥ 1'],
    ]),
    ...['-1', 'abc', ''].map((text): [string, string[], string[]] => [
      `--latency "${text}"`,
      ['run', 'plan.yaml', '--latency', text],
      ['--latency', 'milliseconds'],
    ]),
    ...['0', '0ms', '-1s', 'abc', '5 parsecs', ''].map((text): [string, string[], string[]] => [
      `--deadline "${text}"`,
      ['run', 'plan.yaml', '--deadline', text],
      ['--deadline', 'duration'],
    ]),
  ])('%s is reported, with exit code 2', async (_, args, words) => {
    const { exitCode, stdout, stderr } = await stratagem(args);
    for (const word of words) expect(stderr).toContain(word);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('a missing command shows the help, with exit code 2', async () => {
    const { exitCode, stderr } = await stratagem([]);
    expect(stderr).toContain('Usage: stratagem');
    expect(exitCode).toBe(2);
  });
});
