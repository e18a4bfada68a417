import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Report
tasks:
  - id: read
    forEach: { file: ./reviews.csv, maxItems: 3 }
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
    ['text\na\nb\nc\nd\n', 'has more than 3 rows, which is maxItems'],
    ['text\na,b\n', 'reviews.csv, line 2: has 2 cells, and the header has 1'],
    ['', 'reviews.csv: is empty'],
  ])('reports %j with its place in the plan', async (csv, message) => {
    await using project = await folder({ 'plan.yaml': PLAN, 'reviews.csv': csv });
    const { stderr, exitCode } = await stratagem(RUN, { cwd: project.path });
    expect(stderr).toMatch(/plan\.yaml:5:\d+/);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
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
