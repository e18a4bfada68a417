import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';
import { createProgram } from '../program.js';
import { programSpec } from './command-spec.js';

type Shell = 'bash' | 'zsh' | 'fish';

const isInstalled = (shell: Shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

let files: Awaited<ReturnType<typeof folder>>;
const scripts = {} as Record<Shell, string>;
beforeAll(async () => {
  files = await folder({ 'plan.yaml': '', 'my plan.yaml': '' });
  await mkdir(join(files.path, 'plans'));
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const { stdout } = await stratagem(['completion', shell]);
    await files.add(`completion.${shell}`, stdout);
    scripts[shell] = join(files.path, `completion.${shell}`);
  }
});
afterAll(() => files[Symbol.asyncDispose]());

/** What bash offers for the last word. */
function bash(...words: string[]): string[] {
  const script = `source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_stratagem; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '-c', script, 'bash', scripts.bash, 'stratagem', ...words];
  return lines(execFileSync('bash', args, { cwd: files.path, encoding: 'utf8' }));
}

/** What fish offers for a line. */
function fish(line: string): string[] {
  const script = `source $argv[1]; complete -C $argv[2]`;
  const args = ['--no-config', '-c', script, scripts.fish, line];
  const env = { PATH: process.env.PATH, HOME: files.path };
  const found = lines(execFileSync('fish', args, { cwd: files.path, encoding: 'utf8', env }));
  return found.map((each) => each.split('\t')[0] as string);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

describe.each<[string, (...words: string[]) => string[]]>([
  ['bash', bash],
  ...(isInstalled('fish')
    ? [['fish', (...words: string[]) => fish(['stratagem', ...words].join(' '))] as const]
    : []),
] as [string, (...words: string[]) => string[]][])('%s completes', (_, complete) => {
  test.each<[string[], string[]]>([
    [['res'], ['resume']],
    [['run', '--max-p'], ['--max-parallel']],
    [['run', 'plan.yaml', '--strategy', 'a'], ['adaptive']],
    [['--config', 'x.yaml', 'graph', 'plan.yaml', '--format', 'm'], ['mermaid']],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['help', 'va'], ['validate']],
    [['run', '--conf'], ['--config']],
    [['simulate', 'plan.yaml', '--server', 'overload-5'], ['overload-503']],
  ])('%j', (words, expected) => {
    expect(complete(...words).sort()).toEqual(expected);
  });

  test('files where there is a plan or a file, and folders where there is one', () => {
    expect(complete('run', 'my')).toHaveLength(1);
    expect(complete('validate', 'plan.yaml', 'plan.')).toEqual(['plan.yaml']);
    expect(complete('run', '--report', 'plan.')).toEqual(['plan.yaml']);
    expect(complete('run', '--journal', 'pla').map((name) => name.replace('/', ''))).toEqual([
      'plans',
    ]);
  });

  test('no files after an option with a text', () => {
    expect(complete('run', '--goal', 'pl')).toEqual([]);
    expect(complete('show', 'pl')).toEqual([]);
  });
});

describe('bash completes', () => {
  test('values after an equals sign, which bash takes for a word', () => {
    expect(bash('run', '--strategy', '=', 's')).toEqual(['sequential']);
    expect(bash('run', '--strategy', '=')).toEqual(['sequential', 'parallel', 'adaptive']);
  });

  test('every command and every option of the help', () => {
    const { commands, options } = programSpec(createProgram(() => {}));
    expect(bash('')).toEqual(commands.map(({ name }) => name));
    expect(commands.length).toBeGreaterThan(14);
    for (const command of commands) {
      const offered = bash(command.name, '-');
      for (const { long } of [...command.options, ...options]) expect(offered).toContain(long);
    }
  });
});

test.skipIf(!isInstalled('zsh'))('zsh completes commands, options, choices and files', () => {
  // Completion of zsh works on a terminal alone: on one of zsh itself.
  const script = `
zmodload zsh/zpty
zpty shell zsh -f -i
wait_for() { local part out=''; repeat 200; do zpty -r -t shell part && out+=$part || sleep 0.02; [[ $out == *$1* ]] && break; done; print -r -- "$out" }
zpty -w shell "PS1=; PS2=; autoload -Uz compinit; compinit -u -D; cd '$2'; source '$1'; echo RE''ADY"
wait_for READY >/dev/null
ask() {
  zpty -w -n shell "$1"$'\\t'
  wait_for "$2"
  zpty -w -n shell $'\\x15'
}
ask 'stratagem resu' 'resume '
ask 'stratagem run --max-p' '--max-parallel='
ask 'stratagem run plan.yaml --strategy ad' 'adaptive '
ask 'stratagem validate plan.y' 'plan.yaml'
`;
  const out = execFileSync('zsh', ['-f', '-c', script, 'zsh', scripts.zsh, files.path], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: files.path, TERM: 'dumb' },
  });
  for (const word of ['resume ', '--max-parallel=', 'adaptive ', 'plan.yaml']) {
    expect(out).toContain(word);
  }
});
