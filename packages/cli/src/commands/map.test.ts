import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Summarise reviews
inputs:
  text: { type: string }
  stars: { type: integer, default: 3 }
outputs: { summary: summary }
tasks:
  - id: summary
    description: Summarise {{inputs.text}} ({{inputs.stars}} stars)
`;
const CSV = 'text,stars\n"good, really",5\nbad,1\nso-so,\n';
const FAST = ['--latency', '1'];

async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('stratagem map', () => {
  test('writes a result for each row, in order, and does nothing twice', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': CSV });
    const cwd = project.path;
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '-o', 'out.jsonl', ...FAST];
    const first = await stratagem(args, { cwd });
    expect(first.stderr).toContain('3 rows: 3 completed\n');
    expect(first.stderr).toContain('Wrote out.jsonl\n');
    expect(first).toMatchObject({ exitCode: 0, stdout: '' });
    const rows = await linesOf(join(cwd, 'out.jsonl'));
    expect(rows).toMatchObject([
      { row: 1, status: 'completed', input: { text: 'good, really', stars: '5' } },
      { row: 2, input: { text: 'bad' }, outputs: { summary: expect.any(String) } },
      { row: 3, usage: { inputTokens: expect.any(Number) }, attempts: 1 },
    ]);
    expect(existsSync(join(cwd, '.stratagem'))).toBe(true);
    // The commands about runs find them without a journal.
    const listed = await stratagem(['runs', '--json'], { cwd });
    expect(listed.stdout, listed.stderr).toMatch(/map-out-[0-9a-f]{8}\.000001/);
    await project.add('rows.csv', CSV.replace('bad', 'terrible'));
    const second = await stratagem([...args, '--json'], { cwd });
    expect(JSON.parse(second.stdout)).toMatchObject({
      ...{ status: 'completed', rows: 3, completed: 3, reused: 2 },
    });
  });

  test('does not write a file that another process writes, before anything runs', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': CSV });
    const cwd = project.path;
    await project.add('out.jsonl.lock', String(process.ppid));
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '-o', 'out.jsonl', ...FAST];
    const { exitCode, stderr } = await stratagem(args, { cwd });
    expect(stderr).toContain(`out.jsonl is being written by process ${process.ppid}`);
    expect(exitCode).toBe(2);
    expect((await stratagem(['runs', '--json'], { cwd })).stdout).not.toContain('map-');
  });

  test.skipIf(!existsSync('/dev/full'))('says which file could not be written', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': CSV });
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '-o', '/dev/full', ...FAST];
    const { exitCode, stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toContain('To continue, run the same command again\n');
    expect(stderr).toContain('stratagem: /dev/full: cannot be written: ENOSPC');
    expect(stderr).not.toContain('so far');
    expect(exitCode).toBe(1);
  });

  test('reads JSON Lines from standard input, and prints results', async () => {
    await using project = await folder({ 'plan.yaml': PLAN });
    const stdin = '{"review":"a","stars":1}\n{"review":"b","stars":9}\n';
    const args = [
      'map',
      'plan.yaml',
      '--each',
      '-',
      '--row-format',
      'jsonl',
      '--bind',
      'text=review',
    ];
    const more = [...FAST, '--where', 'row["stars"] > 5', '--no-journal', '-q'];
    const { stdout, stderr, exitCode } = await stratagem([...args, ...more], {
      ...{ cwd: project.path, stdin },
    });
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(JSON.parse(stdout)).toMatchObject({ row: 2, input: { review: 'b' } });
    expect(existsSync(join(project.path, '.stratagem'))).toBe(false);
  });

  test('runs a sample, forecasts the rest, and continues with --yes', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => `t${index},${index % 5}`);
    const csv = `text,stars\n${rows.join('\n')}\n`;
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': csv });
    const cwd = project.path;
    const args = [
      'map',
      'plan.yaml',
      '--each',
      'rows.csv',
      '-o',
      'out.csv',
      '--sample',
      '10',
      ...FAST,
    ];
    const sample = await stratagem(args, { cwd });
    expect(sample.exitCode).toBe(0);
    expect(sample.stderr).toMatch(
      /The sample is done: 30 rows are left\.\n {2}they would take about .* tokens · .* ms \(.*\)\n/,
    );
    expect(sample.stderr).toContain('The rows so far are in ');
    expect(existsSync(join(cwd, 'out.csv'))).toBe(false);
    expect(await readFile(join(cwd, 'out.csv.partial'), 'utf8')).toMatch(
      /^row,status,error.*,summary,text,stars\n1,completed,/,
    );
    const all = await stratagem([...args, '--yes'], { cwd });
    expect(all.stderr).toContain('40 rows: 40 completed, 10 done before\n');
    expect((await readFile(join(cwd, 'out.csv'), 'utf8')).match(/^\d+,completed/gm)).toHaveLength(
      40,
    );
  });

  test('asks for changed rows alone, and before it does all rows again for a changed prompt', async () => {
    const rows = Array.from({ length: 60 }, (_, index) => ({ text: `t${index}`, stars: index }));
    const jsonl = (given: readonly object[]) =>
      given.map((row) => `${JSON.stringify(row)}\n`).join('');
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.jsonl': jsonl(rows) });
    const cwd = project.path;
    const map = async (...more: string[]) => {
      const args = ['map', 'plan.yaml', '--each', 'rows.jsonl', '-o', 'out.jsonl', '--json'];
      const { stdout, stderr, exitCode } = await stratagem([...args, ...FAST, ...more], { cwd });
      return { ...JSON.parse(stdout), stderr, exitCode };
    };
    expect(await map()).toMatchObject({ completed: 60, reused: 0 });
    rows[7] = { text: 'new', stars: 7 };
    await writeFile(join(cwd, 'rows.jsonl'), jsonl(rows));
    const changed = await map();
    expect(changed).toMatchObject({ completed: 60, reused: 59 });
    await writeFile(join(cwd, 'rows.jsonl'), jsonl(rows.map((row) => ({ ...row, note: 'x' }))));
    // The same run: nothing was asked.
    expect(await map()).toMatchObject({
      ...{ completed: 60, restored: 60, runIds: changed.runIds },
      stderr: expect.stringMatching(/60 done before\n {2}[^(\n]* · in all [\d,]+ tokens/),
    });
    await writeFile(join(cwd, 'plan.yaml'), PLAN.replace('Summarise {{', 'Translate {{'));
    const asked = await map();
    expect(asked).toMatchObject({ status: 'stopped', rows: 0 });
    expect(asked.stderr).toMatch(/plan has changed.*60 rows.*\n.*would take about .* tokens/s);
    expect(await map('--yes')).toMatchObject({ completed: 60, reused: 0 });
  });

  test('asks for no rows whose answers are in the cache, and a dry run shows them', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => `t${index},${index}\n`);
    const csv = (given: readonly string[]) => `text,stars\n${given.join('')}`;
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': csv(rows) });
    const cwd = project.path;
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '--cache', 'answers', '--no-journal'];
    expect((await stratagem([...args, ...FAST], { cwd })).exitCode).toBe(0);
    await project.add('rows.csv', csv(rows.with(20, 'new,1\n').with(30, 'other,2\n')));
    const { stderr } = await stratagem([...args, ...FAST, '--sample', '5'], { cwd });
    expect(stderr).toContain('The sample is done: 2 rows are left.\n');
    const dry = ['run', 'plan.yaml', '--cache', 'answers', '--dry-run', '--input'];
    const known = await stratagem([...dry, 'text=t7', '--input', 'stars=7'], { cwd });
    expect(known.stdout).toContain('0 of 1 task would run');
    expect(known.stdout).toContain('its answer is in the cache');
    const unknown = await stratagem([...dry, 'text=new'], { cwd });
    expect(unknown.stdout).toContain('1 of 1 task would run');
  });

  test('refuses a plan that takes nothing from the rows', async () => {
    const plan = 'goal: x\ntasks: [{ id: summary, description: Summarise it }]\n';
    await using project = await folder({ 'plan.yaml': plan, 'rows.csv': 'text,stars\na,1\n' });
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', ...FAST];
    const { exitCode, stdout, stderr } = await stratagem(args, { cwd: project.path });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('every row would ask the same');
  });

  test('reports every problem before anything runs', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': 'txt,stars\na,1\n' });
    const args = [
      'map',
      'plan.yaml',
      '--each',
      'rows.csv',
      '-o',
      'rows.csv',
      '--mcp-config',
      'x.json',
    ];
    const { exitCode, stderr } = await stratagem([...args, '--input', 'tone=calm'], {
      cwd: project.path,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('There are 4 problems');
    expect(stderr).toContain('--mcp-config has no effect');
    expect(stderr).toContain(
      '--output rows.csv would overwrite rows.csv, which this command reads',
    );
    expect(stderr).toContain(
      'no column for the input text. Did you mean "txt"? Use --bind text=COLUMN.',
    );
    expect(stderr).toContain('the plan has no input tone.');
  });

  test.each([
    ['a;b\n1;2\n', [], 'is ";" its delimiter? Use --delimiter'],
    ['text\na\0\n', [], 'rows.csv, line 2: has a NUL character'],
    ['', [], 'rows.csv: is empty'],
    [
      'txt,stars\n',
      [],
      'no column for the input text. Did you mean "txt"? Use --bind text=COLUMN.',
    ],
    ['text\n', ['--bind', 'stars=star'], 'there is no column "star" for the input stars.'],
    ['text\n', ['--where', 'row.txt == 1'], 'there is no column "txt", which where compares.'],
    [
      'text\na\n',
      ['--where', 'row.txt == 1'],
      'there is no value at "row.txt", which where compares',
    ],
    ['text\na\n', ['--where', '{ path: text }'], 'must be about row, such as row.text'],
    ['text\na\n', ['--where', 'text == a'], 'did you mean row.text?'],
    ['text\na\n', ['--where', 'row.text =='], "--where must be about a column, such as 'row."],
    [
      'text\na\n',
      ['--where', 'row.text == a and row.text != b'],
      '--where compares with one value; it is a and row.text != b.',
    ],
    ['text\na\n', ['--json'], '--json prints the summary to standard output'],
    ['text\na\n', ['--no-journal', '--retry-failed'], '--retry-failed needs a journal'],
  ])('says what is wrong with %j %j', async (csv, more, message) => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': csv });
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', ...more];
    const { exitCode, stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  test('says that rows may be free where they can be read once alone', async () => {
    await using project = await folder({ 'plan.yaml': PLAN });
    const args = ['map', 'plan.yaml', '--each', '-', '--row-format', 'csv', '--sample', '2'];
    const { stderr } = await stratagem([...args, ...FAST], { cwd: project.path, stdin: CSV });
    expect(stderr).toMatch(
      /The sample is done: an unknown number of rows are left\.\n.*each 1000 rows would take .*\n.*\n {2}\(rows whose answers are recorded or cached are free\)\n/,
    );
  });

  test('says only what is wrong with a journal that cannot be used', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': CSV, file: '' });
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '--journal', 'file/runs', ...FAST];
    const { exitCode, stdout, stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toMatch(/journal\.db cannot be created: /);
    expect(stderr).not.toContain('0 rows');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('says that a condition holds for no row', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': CSV });
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '--where', 'row.text > 3', ...FAST];
    const { exitCode, stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toContain('0 rows: 0 completed\n');
    expect(stderr).toContain('No row was chosen: the condition of --where holds for none\n');
    expect(exitCode).toBe(0);
  });

  test('reads a small file through before anything runs', async () => {
    const csv = 'text,stars\na,1\nb,2\nc\n';
    await using project = await folder({ 'plan.yaml': PLAN, 'rows.csv': csv });
    const cwd = project.path;
    const args = ['map', 'plan.yaml', '--each', 'rows.csv', '-o', 'out.jsonl', ...FAST];
    const { exitCode, stderr } = await stratagem(args, { cwd });
    expect(stderr).toBe('rows.csv, line 4: has 1 cell, and the header has 2\n');
    expect(exitCode).toBe(2);
    expect(existsSync(join(cwd, '.stratagem'))).toBe(false);
  });

  test('does the rows before a torn one, where it comes too late to be found before', async () => {
    await using project = await folder({ 'plan.yaml': PLAN });
    const cwd = project.path;
    const args = ['map', 'plan.yaml', '--each', '-', '--row-format', 'jsonl', '-o', 'out.jsonl'];
    const stdin = '{"text":"a"}\n{"text":"b"}\n{"text":"c';
    const { exitCode, stderr } = await stratagem([...args, ...FAST], { cwd, stdin });
    expect(stderr).toContain('2 rows: 2 completed\n');
    expect(stderr).toContain('The rows so far are in ');
    expect(stderr).toContain('stratagem: <stdin>, line 3: is not JSON');
    expect(exitCode).toBe(2);
    expect(await linesOf(join(cwd, 'out.jsonl.partial'))).toHaveLength(2);
    const whole = await stratagem([...args, ...FAST, '--json'], { cwd, stdin: `${stdin}"}\n` });
    expect(JSON.parse(whole.stdout)).toMatchObject({ rows: 3, restored: 2 });
  });
});
