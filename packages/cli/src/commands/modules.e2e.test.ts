import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const PLAN = `goal: Article
inputs: { topic: { type: string } }
outputs: { verdict: review.verdict }
tasks:
  - { id: write, description: 'Write about {{inputs.topic}}' }
  - id: review
    dependencies: [write]
    plan: ./modules/review.yaml
    with: { draft: '{{write}}' }
`;
const REVIEW = `goal: Review a text
inputs:
  draft: { type: string }
  tone: { type: string, default: calm }
outputs: { verdict: judge }
models: { deep: { runner: simulated } }
tasks:
  - { id: check, description: 'Check {{inputs.draft}}', model: deep }
  - { id: judge, description: 'Judge {{check}}, {{inputs.tone}}', dependencies: [check] }
`;

/** A folder with a plan and its module. */
async function place() {
  const root = await folder({});
  await mkdir(join(root.path, 'modules'));
  await writeFile(join(root.path, 'plan.yaml'), PLAN);
  await writeFile(join(root.path, 'modules/review.yaml'), REVIEW);
  return {
    edit: async (from: string, to: string) => {
      const file = join(root.path, 'modules/review.yaml');
      const text = await readFile(file, 'utf8');
      expect(text).toContain(from);
      await writeFile(file, text.replace(from, to));
    },
    command: (...args: string[]) => stratagem(args, { cwd: root.path }),
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}

describe('a plan file with a module', () => {
  test('is validated, drawn, simulated and run', async () => {
    await using at = await place();
    expect((await at.command('validate', 'plan.yaml')).stdout).toBe('Article: valid (4 tasks)\n');
    expect((await at.command('graph', 'plan.yaml')).stdout).not.toContain('check');
    expect((await at.command('graph', 'plan.yaml', '--unfold')).stdout).toContain('check');
    const simulated = await at.command('simulate', 'plan.yaml', '--json');
    expect(simulated.exitCode, simulated.stderr).toBe(0);
    const run = await at.command('run', 'plan.yaml', '--input', 'topic=AI', '--json');
    expect(run.exitCode, run.stderr).toBe(0);
    const { outputs, tasks } = JSON.parse(run.stdout);
    expect(Object.keys(outputs)).toEqual(['verdict']);
    expect(tasks.map(({ id }: { id: string }) => id)).toEqual([
      'write',
      'review',
      'review/check',
      'review/judge',
    ]);
  });

  test('names the file and the line of a problem in the module', async () => {
    await using at = await place();
    await at.edit('{{check}}', '{{chek}}');
    const { exitCode, stderr } = await at.command('run', 'plan.yaml', '--input', 'topic=AI');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'modules/review.yaml:9:31  tasks[1].description: {{chek}} is not an input of this task. Did you mean "check"?',
    );
    const json = JSON.parse((await at.command('validate', 'plan.yaml', '--json')).stdout);
    expect(json.files[0].problems).toMatchObject([
      { file: 'modules/review.yaml', line: 9, code: 'unknown_reference' },
    ]);
  });

  test('resumes after an edit of the module, and explains what runs again', async () => {
    await using at = await place();
    const given = ['--input', 'topic=AI', '--journal', 'runs', '--json'];
    const ran = await at.command('run', 'plan.yaml', ...given);
    expect(ran.exitCode, ran.stderr).toBe(0);
    const { runId: id } = JSON.parse(ran.stdout);
    await at.edit('Judge {{check}}', 'Judge once more {{check}}');
    const why = await at.command('run', 'plan.yaml', ...given, '--reuse', '--dry-run');
    expect(why.exitCode, why.stderr).toBe(0);
    const forecasts = JSON.parse(why.stdout).tasks;
    expect(forecasts.map((each: { id: string; runs: boolean }) => [each.id, each.runs])).toEqual([
      ['write', false],
      ['review', true],
      ['review/check', false],
      ['review/judge', true],
    ]);
    const refused = await at.command('resume', id, '--journal', 'runs');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('review/judge');
    const again = await at.command('resume', id, '--journal', 'runs', '--accept-changes', '--json');
    expect(again.exitCode, again.stderr).toBe(0);
    const { tasks } = JSON.parse(again.stdout);
    const reused = tasks.filter((each: { attempts: number }) => each.attempts === 0);
    expect(reused.map((each: { id: string }) => each.id)).toEqual([
      'write',
      'review',
      'review/check',
    ]);
  });

  test('resumes with the recorded plan, which has the module in it', async () => {
    await using at = await place();
    const ran = await at.command(
      'run',
      'plan.yaml',
      '--input',
      'topic=AI',
      '--journal',
      'runs',
      '--json',
    );
    const { runId: id } = JSON.parse(ran.stdout);
    await at.edit('goal: Review a text', 'goals: none');
    const shown = await at.command(
      'resume',
      id,
      '--journal',
      'runs',
      '--use-recorded-plan',
      '--json',
    );
    expect(shown.exitCode, shown.stderr).toBe(0);
    expect(JSON.parse(shown.stdout).outputs).toEqual(JSON.parse(ran.stdout).outputs);
    expect((await at.command('report', id, '--journal', 'runs')).exitCode).toBe(0);
    expect((await at.command('why', id, '--journal', 'runs')).stdout).toContain('review/judge');
  });
});
