import { describe, expect, test } from 'vitest';
import { stratagem } from '../../test/stratagem.js';

const plan = `
goal: Publish with care
tasks:
  - id: gather
    description: List documents
    outputSchema:
      type: object
      required: [documents]
      properties: { documents: { type: array, items: { type: string } } }
  - id: analyse
    description: What does {{item}} say?
    dependencies: [gather]
    forEach: gather.documents
  - id: page
    type: aggregate
    description: Join {{headline}} and {{body}}
    dependencies: [analyse]
    subtasks:
      - { id: headline, description: Write the headline }
      - { id: body, description: 'Write under {{headline}}', dependencies: [headline] }
  - id: approve
    description: Publish? {{page}}
    dependencies: [page]
    waitFor: approval
  - id: publish
    description: Publish {{page}}
    dependencies: [page, approve]
    when: { path: approve, operator: ==, value: true }
`;

const run = (args: string[], stdin = plan) =>
  stratagem(['run', '-', '--latency', '5', ...args], { stdin });

describe('a plan with a fan-out, subtasks and a human step', () => {
  test('runs with the approval, and shows subtasks below their parents', async () => {
    const { exitCode, stdout, stderr } = await run(['--approve', 'approve']);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('✓ 10 of 10 ·');
    expect(stdout).not.toContain('✓');
    expect(stderr).toContain('added     3 tasks by analyse');
    expect(stderr).toContain('waiting   approve for an approval');
  });

  test('fails with the rejection', async () => {
    const { exitCode, stdout } = await run(['--reject', 'approve', '--json']);
    expect(exitCode).toBe(1);
    const { tasks, metrics } = JSON.parse(stdout);
    const byId = new Map(tasks.map((task: { id: string }) => [task.id, task]));
    expect(byId.get('approve')).toMatchObject({ status: 'failed', error: { code: 'rejected' } });
    expect(byId.get('publish')).toMatchObject({ error: { code: 'dependency_failed' } });
    expect(byId.get('analyse[2]')).toMatchObject({ parentId: 'analyse', status: 'completed' });
    expect(metrics).toMatchObject({ totalTasks: 10, attempts: 7 });
  });

  test('is refused without a terminal, before it costs anything', async () => {
    const { exitCode, stderr, stdout } = await run([]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Use --approve approve or --reject approve');
  });

  test.each([
    [['--approve', 'aprove'], 'no task "aprove" waits for a human; these do: approve'],
    [['--answer', 'approve=yes'], 'the task waits for an approval; use --approve approve'],
    [['--answer', 'approve'], 'Expected a task id and an answer, such as review=yes.'],
    [['--retries', '-1'], 'Expected an integer ≥ 0.'],
    [['--budget-cost', '0'], 'Expected an amount in US dollars above 0.'],
    [['--prices', '/nowhere.yaml'], '/nowhere.yaml: cannot read: no such file'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await run(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test('is drawn with its groups', async () => {
    const { stdout } = await stratagem(['graph', '-'], { stdin: plan });
    expect(stdout).toContain('  subgraph t2["page"]\n    t3["headline"]\n    t4["body"]\n  end');
    expect(stdout).toContain('t1["analyse<br/>for each gather.documents"]');
    expect(stdout).toContain('t5["approve<br/>waits for an approval"]');
    expect(stdout).toContain('when approve');
    const dot = await stratagem(['graph', '-', '--format', 'dot'], { stdin: plan });
    expect(dot.stdout).toContain('subgraph cluster_t2 {');
    expect(dot.stdout).toContain('t1 -> t3 [lhead=cluster_t2];');
  });
});

describe('limits', () => {
  const tasks = Array.from({ length: 20 }, (_, n) => `  - { id: t${n}, description: Write }`);
  const batch = `goal: Batch\ntasks:\n${tasks.join('\n')}\n`;

  test('--budget-tokens stops the run cleanly', async () => {
    const { exitCode, stdout } = await run(['--budget-tokens', '150', '--json'], batch);
    expect(exitCode).toBe(1);
    const { tasks: results, timeline } = JSON.parse(stdout);
    expect(timeline.at(-1)).toMatchObject({ error: { code: 'budget_exceeded' } });
    const codes = results.flatMap(({ error }: { error?: { code: string } }) => error?.code ?? []);
    expect(new Set(codes)).toEqual(new Set(['budget_exceeded']));
  });

  test('--budget-cost needs prices', async () => {
    const unknown = await run(['--budget-cost', '1', '--max-parallel', '1'], batch);
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toMatch(/tokens\s+were\s+used\s+whose\s+price\s+is\s+unknown/);
  });

  test('--budget-cost is refused with a model whose price is unknown', async () => {
    const flags = ['--runner', 'openai', '--model', 'no-such-model', '--budget-cost', '1'];
    const { exitCode, stderr } = await stratagem(['run', '-', ...flags], { stdin: batch });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('the price of "no-such-model" is unknown');
    expect(stderr).toContain('Use --prices FILE');
  });

  test('a goal that is achieved ends the run early', async () => {
    const goal = `${batch}goalState: { criteria: [{ path: metrics.completedTasks, operator: '>=', value: 3 }] }\n`;
    const { exitCode, stdout, stderr } = await run(['--max-parallel', '1'], goal);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('goal 100 % · 17 skipped: the goal was achieved\n');
    expect(stderr).toContain('✓ 3 · – 17 skipped ·');
    expect(stdout).toContain('Simulated answer');
    expect(stderr).toContain('goal      achieved');
  });
});

test('an invalid reference is reported with its position', async () => {
  const { exitCode, stderr } = await stratagem(['validate', '-'], {
    stdin: plan
      .replace('{{headline}} and', '{{headlin.x}} and')
      .replace("'Write under {{headline}}'", "'{{gather}}'"),
  });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /<stdin>:\d+:\d+ {2}tasks\[2\]\.description: {{headlin\.x}} is not an input of this task\..* Did you mean "headline"\?/,
  );
  expect(stderr).toMatch(
    /tasks\[2\]\.subtasks\[1\]\.description: {{gather}} .* Add "gather" to the dependencies of "body"\./,
  );
});
