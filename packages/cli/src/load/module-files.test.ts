import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../options/usage-error.js';
import { loadPlan } from './load-plan.js';

const review = `goal: Review a text
inputs:
  draft: { type: string }
outputs: { verdict: judge }
tasks:
  - id: judge
    description: Judge {{inputs.draft}}
`;

const using = (path: string, more = '') => `goal: Write
tasks:
  - { id: write, description: Write }
  - id: review
    dependencies: [write]
    plan: ${path}
    with: { draft: '{{write}}'${more} }
`;

let folder = '';

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'modules-')));
});
afterAll(() => rm(folder, { recursive: true }));

let count = 0;

/** Writes files into a folder of their own, and loads the first of them. */
async function load(files: Record<string, string>, options = {}) {
  const root = join(folder, `${count++}`);
  for (const [name, text] of Object.entries(files)) {
    const file = join(root, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const [first = ''] = Object.keys(files);
  return loadPlan(join(root, first), options);
}

/** The lines of the message, with the paths in the folder. */
async function problemsOf(files: Record<string, string>, options = {}): Promise<string[]> {
  try {
    await load(files, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const lines = error.message.replaceAll(join(folder, `${count - 1}/`), '').split('\n');
    return lines.filter((line) => line !== '').map((line) => line.replace(/ {2}/, ' '));
  }
  return [];
}

describe('the files of modules', () => {
  test('are found from the file that names them, in YAML and JSON', async () => {
    const leaf = JSON.stringify({ goal: 'Leaf', tasks: [{ id: 'l', description: 'l' }] });
    const { plan } = await load({
      'plan.yaml': using('./modules/review.yaml'),
      'modules/review.yaml': `${review}  - { id: leaf, plan: ../leaf.json }\n`,
      'leaf.json': leaf,
    });
    expect(plan.tasks[1]?.plan?.tasks[1]?.plan?.goal).toBe('Leaf');
  });

  test('have their problems at their own lines, with those of the plan', async () => {
    const wrong = review.replace('inputs.draft', 'inputs.drft').replace('judge }', 'jdge }');
    const problems = await problemsOf({
      'plan.yaml': `${using('modules/review.yaml', ', tone: kind')}goals: x\n`,
      'modules/review.yaml': `${wrong}    promt: x\n    description: twice\n`,
    });
    expect(problems).toEqual([
      'plan.yaml:8:1 goals: unknown field "goals". Did you mean "goal"?',
      'modules/review.yaml:4:21 outputs.verdict: "jdge" is neither a task nor a part of its output. Did you mean "judge"?',
      expect.stringMatching(/^modules\/review\.yaml:8:5 tasks\[0\]\.promt: unknown field "promt"/),
      'modules/review.yaml:9:5 duplicate key "description"',
      'plan.yaml is not a valid plan: 4 problems.',
    ]);
    expect(
      await problemsOf({
        'plan.yaml': using('review.yaml', ', tone: kind'),
        'review.yaml': review,
      }),
    ).toEqual([
      'plan.yaml:7:33 tasks[1].with.tone: the plan of the module has no input "tone". Its inputs are draft.',
      'plan.yaml is not a valid plan: 1 problem.',
    ]);
  });

  test('have their syntax errors at their own lines', async () => {
    const files = { 'plan.yaml': using('review.yaml'), 'review.yaml': 'goal: a: b\ntasks: []\n' };
    const [problem] = await problemsOf(files);
    expect(problem).toMatch(/^review\.yaml:1:7 invalid YAML/);
  });

  test('hide no problem of other files by their syntax errors', async () => {
    const problems = await problemsOf({
      'plan.yaml': `${using('review.yaml')}  - { id: also, plan: ./other.yaml }\n  - { id: again, plan: ./review.yaml }\ngoals: x\n`,
      'review.yaml': 'goal: a: b\ntasks: []\n',
      'other.yaml':
        'goal: Other\ntasks: [{ id: a, descripton: x }, { id: b, plan: ./broken.json }]\n',
      'broken.json': '{ "goal": }',
    });
    expect(problems).toEqual([
      expect.stringMatching(/^plan\.yaml:\d+:1 goals: unknown field "goals"/),
      expect.stringMatching(/^other\.yaml:2:9 tasks\[0\]\.description: is missing/),
      expect.stringMatching(/^other\.yaml:2:18 tasks\[0\]\.descripton: unknown field/),
      expect.stringMatching(/^review\.yaml:1:7 invalid YAML/),
      expect.stringMatching(/^broken\.json:1:11 invalid JSON/),
      'plan.yaml is not a valid plan: 5 problems.',
    ]);
  });

  test('may be missing, which is reported where they are named', async () => {
    expect(await problemsOf({ 'plan.yaml': using('./revew.yaml'), 'review.yaml': review })).toEqual(
      [
        'plan.yaml:6:11 tasks[1].plan: there is no file revew.yaml. Did you mean "review.yaml"?',
        'plan.yaml is not a valid plan: 1 problem.',
      ],
    );
    const [problem] = await problemsOf({ 'a/plan.yaml': using('./x'), 'a/x/y.yaml': review });
    expect(problem).toBe(
      'a/plan.yaml:6:11 tasks[1].plan: cannot be used: a/x: cannot read: it is a directory',
    );
  });

  test('are within the folder of the plan, also behind symbolic links, unless others are allowed', async () => {
    const outside = join(folder, 'outside.yaml');
    await writeFile(outside, review);
    const refusal =
      'plan.yaml:6:11 tasks[1].plan: is outside of the folder of the plan; move it there, or allow such modules with --allow-outside';
    const direct = { 'plan.yaml': using('../outside.yaml') };
    expect((await problemsOf(direct))[0]).toBe(refusal);
    expect((await problemsOf({ 'plan.yaml': using('../nowhere.yaml') }))[0]).toBe(refusal);
    expect((await problemsOf({ 'plan.yaml': using(outside) }))[0]).toBe(refusal);
    expect((await load(direct, { allowOutside: true })).plan.tasks[1]?.plan?.goal).toBe(
      'Review a text',
    );

    const root = join(folder, `${count++}`);
    await mkdir(root);
    await symlink(outside, join(root, 'link.yaml'));
    await symlink(folder, join(root, 'dir'));
    const file = join(root, 'plan.yaml');
    for (const path of ['link.yaml', 'dir/outside.yaml']) {
      await writeFile(file, using(path));
      await expect(loadPlan(file)).rejects.toThrow('is outside of the folder of the plan');
      expect((await loadPlan(file, { allowOutside: true })).plan.tasks).toHaveLength(2);
    }
  });

  test('are one file under all of their names', async () => {
    const cycle = (path: string) => `goal: x\ntasks: [{ id: m, plan: ${path} }]\n`;
    expect(
      await problemsOf({
        'a.yaml': cycle('./b.yaml'),
        'b.yaml': cycle('./c/../c/../a.yaml'),
        'c/x': '',
      }),
    ).toEqual([
      'b.yaml:2:24 tasks[0].plan: plan files contain each other: a.yaml → b.yaml → a.yaml (each contains the next)',
      'a.yaml is not a valid plan: 1 problem.',
    ]);
  });
});
