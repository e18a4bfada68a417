import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

const plan = `goal: Profile
inputs:
  company: { type: string, description: The company to describe }
  years: { type: array, items: { type: integer }, default: [2024, 2025] }
  tone: { type: string, enum: [calm, loud], default: calm }
  token: { type: string, secret: true, env: PROFILE_TOKEN, optional: true }
outputs:
  profile: profile
  title: "{{inputs.company}} ({{inputs.tone}})"
tasks:
  - id: years
    forEach: inputs.years
    description: "{{inputs.company}} in {{item}}"
  - id: profile
    description: "About {{inputs.company}}: {{years[1].output}}"
    dependencies: [years]
`;

const echo = `export default { name: 'echo', run: async ({ prompt }) => ({ output: prompt }) };\n`;

let files: Awaited<ReturnType<typeof folder>>;
beforeAll(async () => {
  files = await folder({
    'plan.yaml': plan,
    'echo.mjs': echo,
    'values.yaml': 'company: Pear\nyears: [1, 2, 3]\n',
    'company.txt': 'Text Inc',
    'list.yaml': '- 1\n',
  });
});
afterAll(() => files[Symbol.asyncDispose]());

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  stratagem(['run', 'plan.yaml', '--runner', './echo.mjs', ...args], { cwd: files.path, env });

describe('the inputs of a plan', () => {
  test('are given one by one, and only the results that the plan names are printed', async () => {
    const ended = await run(['--input', 'company=Apple & Co=x', '--input', 'years=[1976, 1984]']);
    expect(ended).toMatchObject({
      exitCode: 0,
      stdout: 'profile\nAbout Apple & Co=x: Apple & Co=x in 1984\n\ntitle\nApple & Co=x (calm)\n',
    });
  });

  test('come from a file, which single values override, and from files of their own', async () => {
    const { stdout } = await run(
      [
        '--inputs',
        'values.yaml',
        '--input',
        'company=@company.txt',
        '--input',
        'tone=loud',
        '--json',
      ],
      { PROFILE_TOKEN: 'sesame-4711' },
    );
    expect(stdout).not.toContain('sesame-4711');
    const { outputs, timeline } = JSON.parse(stdout);
    expect(outputs).toEqual({
      profile: 'About Text Inc: Text Inc in 2',
      title: 'Text Inc (loud)',
    });
    expect(timeline[0].inputs).toEqual({ company: 'Text Inc', years: [1, 2, 3], tone: 'loud' });
  });

  test.each<[string, readonly string[], RegExp]>([
    [
      'that are missing',
      [],
      /company: is missing: The company to describe\nUse --input NAME=VALUE or --inputs FILE/,
    ],
    [
      'that are misspelled',
      ['--input', 'company=A', '--input', 'tome=loud'],
      /tome: the plan has no such input\. Did you mean "tone"\?\nUse/,
    ],
    [
      'of the wrong type',
      ['--input', 'company=A', '--input', 'years=12'],
      /years: .*expected array/,
    ],
    ['of no choice', ['--input', 'company=A', '--input', 'tone=soft'], /tone: .*"calm"\|"loud"/],
    [
      'with broken values',
      ['--input', 'company=A', '--input', 'years=[1'],
      /--input years: invalid YAML/,
    ],
    [
      'given twice',
      ['--input', 'company=A', '--input', 'company=B'],
      /--input company is given twice/,
    ],
    [
      'of a file without a name',
      ['--input', 'company=@'],
      /--input company=@ needs the path of a file, such as company=@notes\.txt/,
    ],
    [
      'with names of JavaScript',
      ['--input', 'company=A', '--input', '__proto__=x'],
      /__proto__: the plan has no such input/,
    ],
    [
      'without a value',
      ['--input', 'company'],
      /Expected a name and a value, such as company=Apple/,
    ],
    [
      'of a file that is missing',
      ['--inputs', 'none.yaml'],
      /none\.yaml: cannot read: no such file/,
    ],
    [
      'of a file with a list',
      ['--inputs', 'list.yaml'],
      /list\.yaml: must have a value for each input/,
    ],
    [
      'that are secret',
      ['--input', 'token=x'],
      /--input token: a secret comes from the environment; set PROFILE_TOKEN/,
    ],
  ])('%s are refused with exit code 2', async (_, args, message) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
  });

  test('are recorded, for resume, show and --dry-run', async () => {
    const recorded = await run(['--input', 'company=Apple', '--journal', 'runs', '--json']);
    const { runId } = JSON.parse(recorded.stdout);
    const resumed = await stratagem(['resume', runId, '--journal', 'runs'], { cwd: files.path });
    expect(resumed.stdout).toContain('title\nApple (calm)\n');
    const shown = await stratagem(['show', runId, '--journal', 'runs', '--json'], {
      cwd: files.path,
    });
    expect(JSON.parse(shown.stdout).outputs).toEqual({
      profile: 'About Apple: Apple in 2025',
      title: 'Apple (calm)',
    });
    const dry = await run(['--input', 'company=Orange', '--journal', 'runs', '--dry-run']);
    expect(dry.stdout).toContain('input of years, inputs.company changed');
    const other = await stratagem(
      ['resume', runId, '--journal', 'runs', '--retry-failed', '--input', 'company=Orange'],
      { cwd: files.path },
    );
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain('company: a recorded run keeps its inputs');
  });
});
