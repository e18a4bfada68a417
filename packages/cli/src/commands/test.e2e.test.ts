import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { folder, start, stratagem } from '../../test/stratagem.js';

const PLAN = `
goal: Profile
inputs:
  company: { type: string }
tasks:
  - { id: profile, description: "Profile of {{inputs.company}}" }
`;

const CASES = `
cases:
  - name: apple
    inputs: { company: Apple }
    expect:
      - { contains: Apple }
      - { output: profile, check: ./checks.mjs#isShort }
      - { judge: Anything will do, minScore: 0 }
  - name: ibm
    inputs: { company: IBM }
    expect: [{ contains: Apple }]
`;

const CHECKS = `
export const isShort = (text) => text.length < 2000;
export const never = () => new Promise((done) => setTimeout(done, 60_000));
`;

async function place(cases = CASES) {
  const files = { 'plan.yaml': PLAN, 'cases.yaml': cases, 'checks.mjs': CHECKS };
  const made = await folder({
    ...files,
    'other.yaml': PLAN.replace('{{inputs.company}}', 'Apple'),
  });
  const at = (name: string) => `${made.path}/${name}`;
  return {
    at,
    run: (...args: string[]) =>
      stratagem(['test', at('plan.yaml'), '--cases', at('cases.yaml'), '--latency', '1', ...args]),
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}

describe('test', () => {
  test('says what a file of cases is, instead of the syntax errors of a table', async () => {
    await using files = await folder({ 'plan.yaml': PLAN, 'cases.csv': 'name: "a" b,x\n' });
    const at = (name: string) => `${files.path}/${name}`;
    const args = ['test', at('plan.yaml'), '--cases', at('cases.csv')];
    const { exitCode, stdout, stderr } = await stratagem(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('cases.csv: cases are in a YAML or JSON file, such as:\n');
    expect(stderr).toContain('\n      expect: [{ contains: Apple }]\n');
  });

  test('says which case failed and why, and fails when too few pass', async () => {
    await using files = await place();
    const { exitCode, stdout, stderr } = await files.run();
    expect(exitCode, stderr).toBe(1);
    expect(stdout).toMatch(/^1 of 2 passed \(50 %\) · 100 % must pass · /);
    expect(stderr).toMatch(/✓ apple /);
    expect(stderr).toMatch(/✗ ibm .*\n +contains of profile: it should contain "Apple"; it is /);
  });

  test('passes when enough cases pass, and writes JSON and JUnit', async () => {
    await using files = await place();
    const report = files.at('junit.xml');
    const more = ['--min-pass', '0.5', '--json', '--quiet', '--junit', report];
    const { exitCode, stdout, stderr } = await files.run(...more);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { isPassed, minPass, variants } = JSON.parse(stdout);
    expect({ isPassed, minPass }).toEqual({ isPassed: true, minPass: 0.5 });
    expect(variants).toHaveLength(1);
    expect(variants[0]).toMatchObject({ passed: 1, failed: 1, passRate: 0.5 });
    expect(variants[0].cases[0].checks.map(({ kind }: { kind: string }) => kind)).toEqual([
      'contains',
      'check',
      'judge',
    ]);
    expect(await readFile(report, 'utf8')).toContain('<testsuites tests="2" failures="1"');
  });

  test('runs what a name has in it', async () => {
    await using files = await place();
    const { exitCode, stdout } = await files.run('--filter', 'app', '--quiet');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^1 of 1 passed \(100 %\)/),
    });
  });

  test('compares two plans; the first one must pass', async () => {
    await using files = await place();
    const { exitCode, stdout } = await files.run(
      '--compare-plan',
      files.at('other.yaml'),
      ...['--junit', files.at('junit.xml'), '--quiet'],
    );
    expect(exitCode).toBe(1);
    expect(await readFile(files.at('junit.xml'), 'utf8')).toMatch(
      /<testsuites tests="4" failures="1"[\s\S]*<testsuite name="[^"]*plan\.yaml" tests="2" failures="1"[\s\S]*<testsuite name="[^"]*other\.yaml" tests="2" failures="0"/,
    );
    expect(stdout).toMatch(/\nibm +✗ +✓\n/);
    expect(stdout).toMatch(/\npassed +1 of 2 passed \(50 %\) +2 of 2 passed \(100 %\)\n/);
    expect(stdout).toContain('1 of 2 cases ended the same');
  });

  test('refuses cases that do not fit the second plan, before the first one runs', async () => {
    await using files = await place();
    await writeFile(files.at('other.yaml'), PLAN.replaceAll('company', 'firm'));
    const args = ['--compare-plan', files.at('other.yaml')];
    const { exitCode, stdout, stderr } = await files.run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(
      /The cases do not fit .*other\.yaml:\n(?:.*\n)*.*cases\.yaml:4:15 .*company/,
    );
    expect(stderr).not.toContain('✓');
  });

  test('a signal leaves the cases that have ended, on standard output and in files', async () => {
    const stuck =
      '  - name: stuck\n    inputs: { company: Apple }\n    expect: [{ check: ./checks.mjs#never }]';
    await using files = await place(`${CASES}${stuck}\n`);
    const report = files.at('junit.xml');
    const args = ['--cases', files.at('cases.yaml'), '--latency', '1', '--cases-at-once', '1'];
    const run = start(['test', files.at('plan.yaml'), ...args, '--json', '--junit', report]);
    await run.progress('✗ ibm');
    run.child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await run.ended;
    expect(exitCode, stderr).toBe(130);
    const { isPassed, variants } = JSON.parse(stdout);
    expect(isPassed).toBe(false);
    expect(variants[0]).toMatchObject({ passed: 1, failed: 1, notRun: ['stuck'] });
    expect(await readFile(report, 'utf8')).toContain('failures="1" skipped="1"');
  });

  test('lists the problems of all cases with their lines', async () => {
    const cases = CASES.replace('contains: Apple', 'matches: "("').replace(
      'company: IBM',
      'compny: x',
    );
    await using files = await place(cases);
    const { exitCode, stdout, stderr } = await files.run('--filter', '');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/cases\.yaml:6:9 {2}cases\[0\]\.expect\[0\]: case "apple" has/);
    expect(stderr).toMatch(/cases\.yaml:10:\d+ {2}cases\[1\]\.inputs\.compny: case "ibm"/);
  });

  test.each([
    [
      'a wrong field',
      CASES.replace('contains', 'contain'),
      [],
      /unknown field "contain"\. Did you mean "contains"/,
    ],
    ['a wrong input', CASES.replace('company: IBM', 'compny: IBM'), [], /case "ibm": .*compny/s],
    [
      'a function that is missing',
      CASES.replace('#isShort', '#isLong'),
      [],
      /no function "isLong"; it exports isShort/,
    ],
    ['no case that fits', CASES, ['--filter', 'x'], /--filter x: no case .* apple, ibm/],
    ['a share above 1', CASES, ['--min-pass', '90'], /from 0 to 1/],
    [
      'another model for the simulated runner',
      CASES,
      ['--compare-model', 'gpt'],
      /--compare-model has no effect with --runner simulated: choose a provider, such as --runner openai/,
    ],
    [
      'a judge for the simulated runner',
      CASES,
      ['--judge', 'gpt'],
      /--judge has no effect with --runner simulated/,
    ],
    [
      'a judge where nothing is judged',
      CASES.replace(/- { judge.*}/, ''),
      ['--judge', 'gpt', '--runner', 'openai'],
      /--judge has no effect: no case has an expectation for a judge; remove it/,
    ],
    [
      'a list of cases alone',
      '- name: apple',
      [],
      /cases\.yaml:1:1 .*the file of cases: must be an object, like \{ cases: \[/s,
    ],
    ['two files with the same name', CASES, ['--junit', 'a', '-o', 'a'], /same file/],
  ])('refuses %s before anything runs', async (_, cases, args, message) => {
    await using files = await place(cases);
    const { exitCode, stdout, stderr } = await files.run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
