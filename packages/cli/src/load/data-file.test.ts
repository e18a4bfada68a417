import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Report
tasks:
  - id: read
    forEach: { file: ./reviews.csv, maxItems: 50 }
    description: Read {{item.text}}
  - id: report
    description: Report on {{read}}
    dependencies: [read]
`;
const RUN = ['run', 'plan.yaml', '--latency', '1', '--json'];

describe('forEach: { file }', () => {
  test('runs a task for each row of a file, and resumes it', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'reviews.csv': 'text\na\nb\n' });
    const cwd = project.path;
    const { stdout, exitCode, stderr } = await stratagem([...RUN, '--journal', 'runs'], { cwd });
    expect(exitCode, stderr).toBe(0);
    const { tasks, runId } = JSON.parse(stdout);
    const ids = tasks.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['read', 'report', 'read[0]', 'read[1]']);
    const again = await stratagem(['resume', runId, '--journal', 'runs', '--json'], { cwd });
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'completed' });
  });

  test.each([
    ['text\na,b\n', 'reviews.csv, line 2: has 2 cells, and the header has 1'],
    ['', 'reviews.csv: is empty'],
  ])('reports %j with its place in the plan', async (csv, message) => {
    await using project = await folder({ 'plan.yaml': PLAN, 'reviews.csv': csv });
    const { stderr, exitCode } = await stratagem(RUN, { cwd: project.path });
    expect(stderr).toMatch(/plan\.yaml:5:\d+/);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  const lines = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}\n`).join('');

  test('runs the rows before a torn one, and continues there once it is corrected', async () => {
    const json = (count: number) => lines(count).replace(/.+/g, '{ "text": "$&" }');
    const plan = PLAN.replace('reviews.csv', 'reviews.jsonl');
    const torn = `${json(20)}{ "text": "to`;
    await using project = await folder({ 'plan.yaml': plan, 'reviews.jsonl': torn });
    const cwd = project.path;
    const { stdout, exitCode } = await stratagem([...RUN, '--journal', 'runs'], { cwd });
    expect(exitCode).toBe(1);
    const { tasks, runId } = JSON.parse(stdout);
    expect(tasks.filter(({ status }: { status: string }) => status === 'completed')).toHaveLength(
      20,
    );
    const [failed] = tasks.filter(({ id }: { id: string }) => id === 'read');
    expect(failed.error.message).toContain('failed: reviews.jsonl, line 21: is not JSON');
    await writeFile(join(cwd, 'reviews.jsonl'), json(22));
    const resume = ['resume', runId, '--retry-failed', '--journal', 'runs', '--json'];
    const again = JSON.parse((await stratagem(resume, { cwd })).stdout);
    expect(again).toMatchObject({ status: 'completed', metrics: { completedTasks: 24 } });
    expect(again.metrics.attempts).toBe(23);
  });

  test('reads no more rows than maxItems', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'reviews.csv': `text\n${lines(51)}` });
    const { stdout } = await stratagem(RUN, { cwd: project.path });
    expect(JSON.parse(stdout).tasks[0].error.message).toContain('more than 50 items');
  });

  test('is shown before it runs', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'reviews.csv': 'text\na\n' });
    const cwd = project.path;
    const dry = await stratagem(['run', 'plan.yaml', '--dry-run'], { cwd });
    expect(dry.stdout).toContain('streamed from ./reviews.csv');
    const valid = await stratagem(['validate', 'plan.yaml'], { cwd });
    expect(valid.stdout).toContain('streamed from ./reviews.csv');
  });

  test('is read again where the recorded plan is used', async () => {
    await using project = await folder({
      'plan.yaml': PLAN,
      'reviews.csv': `text\n${lines(20)}`,
    });
    // Paths begin in the folder of the plan, and not in this one.
    await using elsewhere = await folder({});
    const cwd = elsewhere.path;
    const journal = ['--journal', 'runs'];
    const run = ['run', join(project.path, 'plan.yaml'), ...RUN.slice(2), ...journal];
    const { runId } = JSON.parse((await stratagem(run, { cwd })).stdout);
    const rerun = ['rerun', runId, '--task', 'report', ...journal, '--json'];
    const again = await stratagem(rerun, { cwd });
    expect(again.exitCode, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'completed' });
    await writeFile(join(project.path, 'reviews.csv'), '');
    const missing = await stratagem(rerun, { cwd });
    expect(missing.stderr).toContain('reviews.csv: is empty');
    expect(missing.stderr).not.toContain('from code');
  });

  test('says that a coordinator needs the plan itself, as it is sent without the file', async () => {
    await using project = await folder({ 'plan.yaml': PLAN, 'reviews.csv': 'text\na\n' });
    const args = ['submit', 'plan.yaml', '--journal', 'postgres://127.0.0.1:1/none'];
    const { stderr } = await stratagem(args, { cwd: project.path });
    expect(stderr).toContain('The coordinator reads ./reviews.csv itself');
  });

  test('reads no file outside of the folder of the plan, and none that is missing', async () => {
    await using project = await folder({
      'plan.yaml': PLAN.replace('./reviews', '../reviews'),
      'missing.yaml': PLAN,
    });
    const cwd = project.path;
    const outside = await stratagem(['validate', 'plan.yaml'], { cwd });
    expect(outside.stdout + outside.stderr).toContain('is outside of the folder of the plan');
    const missing = await stratagem(['validate', 'missing.yaml'], { cwd });
    expect(missing.stdout + missing.stderr).toContain('there is no file reviews.csv');
  });
});
