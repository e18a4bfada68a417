import { mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const plan = 'goal: Report\ntasks: [{ id: a, description: Do it }]\n';
const echo = `export const runner = { name: 'echo', run: async ({ prompt }) => ({ output: prompt }) };\n`;
const failing = `export const runner = { name: 'bad', run: async () => { throw new Error('no'); } };\n`;
const files = { 'plan.yaml': plan, 'echo.mjs': echo, 'failing.mjs': failing };
const run = ['run', 'plan.yaml', '--runner', './echo.mjs'];

describe('--output', () => {
  test('takes the result instead of standard output', async () => {
    await using project = await folder(files);
    const cwd = project.path;
    const ended = await stratagem([...run, '-q', '-o', 'result.txt'], { cwd });
    expect(ended).toEqual({ exitCode: 0, stdout: '', stderr: 'Wrote result.txt\n' });
    expect(await readFile(join(cwd, 'result.txt'), 'utf8')).toBe('Do it\n');
    await stratagem([...run, '--json', '-o', 'result.txt', '--journal', 'runs'], { cwd });
    const { runId, outputs } = JSON.parse(await readFile(join(cwd, 'result.txt'), 'utf8'));
    expect(outputs).toEqual({ a: 'Do it' });
    const commands: string[][] = [
      ...[
        ['show', runId],
        ['show', runId, '--json'],
        ['why', runId],
      ].map((each) => [...each, '--journal', 'runs']),
      ...[['graph'], ['simulate'], ['compare', '--json']].map((each) => [...each, 'plan.yaml']),
      ['run', 'plan.yaml', '--dry-run'],
    ];
    for (const command of commands) {
      const { stdout } = await stratagem(command, { cwd });
      const written = await stratagem([...command, '--output', 'other.txt'], { cwd });
      expect(written.stdout, command.join(' ')).toBe('');
      expect(await readFile(join(cwd, 'other.txt'), 'utf8')).toBe(stdout);
    }
    const left = await readdir(cwd);
    expect(left.filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('leaves the result on standard output for -', async () => {
    await using project = await folder(files);
    const ended = await stratagem([...run, '-q', '-o', '-'], { cwd: project.path });
    expect(ended).toEqual({ exitCode: 0, stdout: 'Do it\n', stderr: '' });
    expect(await readdir(project.path)).not.toContain('-');
  });

  test('replaces the target of a link, and keeps its rights', async () => {
    await using project = await folder({ ...files, 'old.txt': 'old' });
    const cwd = project.path;
    await symlink('old.txt', join(cwd, 'link.txt'));
    const { mode } = await stat(join(cwd, 'old.txt'));
    await stratagem([...run, '-o', 'link.txt'], { cwd });
    expect(await readFile(join(cwd, 'old.txt'), 'utf8')).toBe('Do it\n');
    expect((await stat(join(cwd, 'old.txt'))).mode).toBe(mode);
  });

  test('keeps an earlier result when a run has none', async () => {
    await using project = await folder({ ...files, 'old.txt': 'old' });
    const cwd = project.path;
    const args = ['run', 'plan.yaml', '--runner', './failing.mjs', '-q', '-o', 'old.txt'];
    const { exitCode, stderr } = await stratagem(args, { cwd });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('There is no output: old.txt was not written\n');
    expect(await readFile(join(cwd, 'old.txt'), 'utf8')).toBe('old');
  });

  test.each([
    ['plan.yaml', '--output plan.yaml would overwrite plan.yaml, which this command reads'],
    ['same.yaml', '--output same.yaml would overwrite plan.yaml, which this command reads'],
    ['values.yaml', '--output values.yaml would overwrite values.yaml'],
    [
      'stratagem.config.json',
      '--output stratagem.config.json would overwrite stratagem.config.json',
    ],
    ['no/such/file', 'cannot write no/such/file: there is no directory'],
    ['folder', 'cannot write folder: it is a directory'],
  ])('refuses %s before anything runs', async (output, message) => {
    await using project = await folder({
      ...files,
      'values.yaml': 'x: 1',
      'stratagem.config.json': '{}',
    });
    const cwd = project.path;
    await mkdir(join(cwd, 'folder'));
    await symlink('plan.yaml', join(cwd, 'same.yaml'));
    const args = [...run, '--inputs', 'values.yaml', '-o', output];
    const { exitCode, stdout, stderr } = await stratagem(args, { cwd });
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(await readFile(join(cwd, 'plan.yaml'), 'utf8')).toBe(plan);
  });

  const whole = `goal: Whole\ntasks:
  - { id: a, description: A, attachments: [a.txt] }
  - { id: b, plan: ./part.yaml }
`;
  test.each([
    ['--output', 'part.yaml'],
    ['--output', 'a.txt'],
    ['--output', '.env'],
    ['--report', 'whole.yaml'],
    ['--trace', 'part.yaml'],
    ['--record', 'whole.yaml'],
  ])('%s %s is refused where the plan needs that file', async (option, file) => {
    const texts = { 'whole.yaml': whole, 'part.yaml': plan, 'a.txt': 'a', '.env': 'A=1\n' };
    await using project = await folder(texts);
    const args = ['run', 'whole.yaml', '--env-file', '.env', option, file];
    const { exitCode, stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toContain(`${option} ${file} would overwrite `);
    expect(exitCode).toBe(2);
    for (const [name, text] of Object.entries(texts)) {
      expect(await readFile(join(project.path, name), 'utf8')).toBe(text);
    }
  });

  test.each([
    ['--output', 'runs/journal.db'],
    ['--report', 'runs/journal.db-wal'],
    ['--trace', './runs/journal.db'],
    ['--record', 'runs/journal.db'],
  ])('%s %s is refused where it is the journal of the run', async (option, file) => {
    await using project = await folder(files);
    const cwd = project.path;
    await mkdir(join(cwd, 'runs'));
    const first = await stratagem([...run, '--journal', 'runs', option, file], { cwd });
    expect(first.stderr).toContain(`${option} ${file} would overwrite the journal runs`);
    expect(first.exitCode).toBe(2);
  });

  test('is refused where it is a database, whatever the command', async () => {
    await using project = await folder(files);
    const cwd = project.path;
    const { exitCode, stderr: started } = await stratagem([...run, '--journal', 'runs'], { cwd });
    expect(exitCode).toBe(0);
    const [id = ''] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(started) ?? [];
    const journal = await readFile(join(cwd, 'runs/journal.db'));
    for (const args of [
      [...run, '-o', 'runs/journal.db'],
      [...run, '--record', 'runs/journal.db-wal'],
      ['report', id, '--journal', 'runs', '-o', 'runs/journal.db'],
      ['show', id, '--journal', 'runs', '-o', 'runs/journal.db'],
    ]) {
      const refused = await stratagem(args, { cwd });
      expect(refused.stderr).toMatch(/belongs to a database|would overwrite the journal/);
      expect(refused.exitCode).toBe(2);
    }
    expect(await readFile(join(cwd, 'runs/journal.db'))).toEqual(journal);
    const same = ['report', id, '--journal', 'runs', '-o', 'a.html', '--trace', 'a.html'];
    const { stderr } = await stratagem(same, { cwd });
    expect(stderr).toBe('--output and --trace name the same file: a.html\n');
  });

  test('a task does not save over a file that the plan needs, or over a journal', async () => {
    const saving = `goal: Save\ntasks:
  - { id: a, description: A, save: saving.yaml }
  - { id: b, description: B, save: runs/journal.db }
  - { id: c, description: C, save: c.txt }
`;
    await using project = await folder({ ...files, 'saving.yaml': saving });
    const cwd = project.path;
    await stratagem([...run, '--journal', 'runs', '-q'], { cwd });
    const args = ['run', 'saving.yaml', '--latency', '1'];
    const { exitCode, stderr } = await stratagem([...args, '--output-dir', '.'], { cwd });
    expect(stderr).toContain('task "a" would save over saving.yaml, which this command reads');
    expect(stderr).toContain('task "b" would save over a database, such as a journal of runs');
    expect(stderr).not.toContain('task "c"');
    expect(exitCode).toBe(2);
    expect((await stratagem(args, { cwd })).exitCode).toBe(0);
  });

  test('is refused where another option names the same file', async () => {
    await using project = await folder(files);
    const args = [...run, '--report', 'a.html', '--output', './a.html'];
    const { exitCode, stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toBe('--output and --report name the same file: a.html\n');
    expect(exitCode).toBe(2);
  });
});
