import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folder, stratagem } from '../../test/stratagem.js';

let files: Awaited<ReturnType<typeof folder>>;
beforeAll(async () => {
  files = await folder({});
});
afterAll(() => files[Symbol.asyncDispose]());

/** Validates a file of that name and content, in its folder. */
async function validate(name: string, content: string | Uint8Array) {
  await files.add(name, content);
  return stratagem(['validate', name], { cwd: files.path });
}

/** The lines of the problems: each has a position and a message. */
function problemLines(stderr: string): string[] {
  return stderr.match(/^\S+:\d+:\d+ {2}.*$/gm) ?? [];
}

/** The exit of every refusal. */
const refused = { exitCode: 2, stdout: '' };

describe('a valid plan', () => {
  const yaml = `goal: Report
strategy: { name: parallel, maxParallel: 3, levelBarrier: true }
tasks:
  - id: research
    description: Gather data
    type: observation
  - id: tech
    description: Analyse the data
    dependencies: [research]
`;
  const json = JSON.stringify({
    goal: 'Report',
    strategy: 'sequential',
    tasks: [
      { id: 'research', description: 'Gather data' },
      { id: 'tech', description: 'Analyse the data', dependencies: ['research'] },
    ],
  });

  test.each([
    ['plan.yaml', yaml],
    ['plan.json', json],
    ['without-an-ending', json],
    ['windows.yaml', `\ufeff${yaml.replaceAll('\n', '\r\n')}`],
  ])('passes as %s', async (name, content) => {
    const ended = await validate(name, content);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ended.stdout).toContain('2 tasks');
  });

  test('passes from standard input', async () => {
    for (const stdin of [yaml, json]) {
      expect(await stratagem(['validate', '-'], { stdin })).toMatchObject({ exitCode: 0 });
    }
  });

  test('may repeat itself through anchors', async () => {
    const ended = await validate(
      'anchors.yaml',
      `goal: Report
tasks:
  - id: a
    description: &prompt Gather data
  - id: b
    description: *prompt
`,
    );
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('may have ids that are special in JavaScript', async () => {
    const ids = ['__proto__', 'constructor', 'toString', '研究', 'x'.repeat(10_000)];
    const tasks = ids.map((id) => ({ id, description: 'Do it', dependencies: [] as string[] }));
    tasks.push({ id: 'last', description: 'Do it', dependencies: ids });
    const ended = await validate('ids.json', JSON.stringify({ goal: 'Report', tasks }));
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('may have 10,000 tasks', async () => {
    const tasks = Array.from({ length: 10_000 }, (_, n) => {
      const dependencies = n === 0 ? '' : `\n    dependencies: [task-${n - 1}]`;
      return `  - id: task-${n}\n    description: Do number ${n}${dependencies}`;
    });
    const ended = await validate('large.yaml', `goal: Much\ntasks:\n${tasks.join('\n')}\n`);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ended.stdout).toMatch(/10,?000 tasks/);
  });
});

describe('every problem of a plan is listed with its position', () => {
  test('in YAML', async () => {
    const ended = await validate(
      'bad.yaml',
      `goal: 12
strategy: { name: parallel, maxParallel: 0 }
tasks:
  - id: research
    description: Gather data
    type: observtion
  - id: tech
    descripton: Analyse the data
    dependencies: [reserch]
  - id: research
    description: ""
  - id: self
    description: Again
    dependencies:
      - self
  - id: a
    description: A
    dependencies: [c]
  - id: b
    description: B
    dependencies: [a]
  - id: c
    description: C
    dependencies: [b]
`,
    );
    expect(problemLines(ended.stderr)).toEqual([
      expect.stringMatching(/^bad\.yaml:1:7 {2}goal: /),
      expect.stringMatching(/^bad\.yaml:2:42 {2}strategy\.maxParallel: /),
      expect.stringMatching(/^bad\.yaml:6:11 {2}tasks\[0\]\.type: .*observation/),
      expect.stringMatching(/^bad\.yaml:7:5 {2}tasks\[1\]\.description: /),
      expect.stringMatching(
        /^bad\.yaml:8:5 {2}tasks\[1\]\.descripton: .*Did you mean "description"/,
      ),
      expect.stringMatching(
        /^bad\.yaml:9:20 {2}tasks\[1\]\.dependencies\[0\]: .*Did you mean "research"/,
      ),
      expect.stringMatching(/^bad\.yaml:10:9 {2}tasks\[2\]\.id: .*"research"/),
      expect.stringMatching(/^bad\.yaml:11:18 {2}tasks\[2\]\.description: /),
      expect.stringMatching(/^bad\.yaml:15:9 {2}tasks\[3\]\.dependencies\[0\]: .*itself/),
      expect.stringMatching(/^bad\.yaml:18:19 {2}tasks\[4\]\.dependencies: .*a → c → b → a/),
    ]);
    expect(ended.stderr).toContain('10 problems');
    expect(ended).toMatchObject(refused);
  });

  test('in JSON', async () => {
    const ended = await validate(
      'bad.json',
      `{
  "goal": "Report",
  "task": [],
  "tasks": [
    { "id": 7, "description": "Gather data" },
    { "id": "b", "description": "Analyse", "dependencies": ["a"] }
  ]
}`,
    );
    expect(problemLines(ended.stderr)).toEqual([
      expect.stringMatching(/^bad\.json:3:3 {2}task: .*Did you mean "tasks"/),
      expect.stringMatching(/^bad\.json:5:13 {2}tasks\[0\]\.id: /),
      expect.stringMatching(/^bad\.json:6:61 {2}tasks\[1\]\.dependencies\[0\]: .*"a"/),
    ]);
    expect(ended).toMatchObject(refused);
  });

  test('in standard input', async () => {
    const ended = await stratagem(['validate', '-'], { stdin: 'goal: Report\ntasks: []\n' });
    expect(problemLines(ended.stderr)).toEqual([expect.stringMatching(/^<stdin>:2:8 {2}tasks: /)]);
    expect(ended).toMatchObject(refused);
  });

  test('by run and graph, too', async () => {
    await files.add('empty-list.yaml', 'goal: Report\ntasks: []\n');
    for (const command of ['run', 'graph']) {
      const ended = await stratagem([command, 'empty-list.yaml'], { cwd: files.path });
      expect(problemLines(ended.stderr)).toHaveLength(1);
      expect(ended).toMatchObject(refused);
    }
  });

  test('without flooding the terminal', async () => {
    const tasks = Array.from({ length: 1_000 }, (_, n) => ({ id: `${n}`, description: '' }));
    const ended = await validate(
      'many.json',
      JSON.stringify({ goal: 'Much', tasks }, undefined, 1),
    );
    const listed = problemLines(ended.stderr).length;
    expect(ended.stderr).toMatch(/1,?000 problems/);
    expect(ended.stderr).toMatch(new RegExp(`and ${1_000 - listed} more`));
    expect(ended).toMatchObject(refused);
  });

  test('without printing control characters of the file', async () => {
    const plan = { goal: 'Report', tasks: [{ id: 'a', description: 'A', '\u001b[31m': 1 }] };
    const ended = await validate('escape.json', JSON.stringify(plan));
    expect(ended.stderr).not.toContain('\u001b');
    expect(ended).toMatchObject(refused);
  });
});

describe('a file that is not a plan', () => {
  test.each([
    [
      'syntax.yaml',
      'goal: Report\ntasks:\n  - id: a\n    description: "A\n',
      /:[45]:\d+ {2}.*quote/,
    ],
    ['colon.yaml', 'goal: Report: the second\ntasks: []\n', /:1:\d+ {2}.*quotes/],
    ['tabs.yaml', 'goal: Report\ntasks:\n\t- id: a\n', /:3:1 {2}.*[Tt]ab/],
    ['syntax.json', '{\n  "goal": "Report",\n  "tasks": [,]\n}', /:3:13 {2}/],
    ['twice.yaml', 'goal: One\ngoal: Two\ntasks: []\n', /:2:1 {2}duplicate key "goal"/],
    [
      'twice.json',
      '{"goal": "One",\n "goal": "Two",\n "tasks": []}',
      /:2:2 {2}duplicate key "goal"/,
    ],
    ['empty.yaml', '', /:1:1 {2}.*empty/],
    ['comment.yaml', '# nothing\n', /:1:1 {2}.*empty/],
    ['null.json', 'null', /:1:1 {2}.*plan/],
    ['text.yaml', 'just some words\n', /:1:1 {2}.*plan/],
    ['list.json', '[]', /:1:1 {2}.*plan/],
    ['two.yaml', 'goal: One\n---\ngoal: Two\n', /:2:1 {2}.*second YAML document/],
    ['alias.yaml', 'goal: *nothing\ntasks: []\n', /:1:7 {2}.*nothing/],
    ['tag.yaml', 'goal: !!js/function "process.exit(9)"\ntasks: []\n', /:1:7 {2}.*tag/],
  ])('is refused with the position: %s', async (name, content, place) => {
    const ended = await validate(name, content);
    expect(ended.stderr).toMatch(new RegExp(`^${name}${place.source}`, 'm'));
    expect(ended).toMatchObject(refused);
  });

  test('is refused when its aliases expand to billions of values', async () => {
    const lines = [
      'goal: Report',
      'tasks: []',
      'metadata:',
      '  a0: &a0 [x, x, x, x, x, x, x, x, x]',
    ];
    for (let n = 1; n < 10; n++) {
      const again = Array.from({ length: 9 }, () => `*a${n - 1}`).join(', ');
      lines.push(`  a${n}: &a${n} [${again}]`);
    }
    const ended = await validate('bomb.yaml', lines.join('\n'));
    expect(ended.stderr).toMatch(/^bomb\.yaml:\d+:\d+ {2}.*alias/m);
    expect(ended).toMatchObject(refused);
  });

  test('is refused when it contains itself', async () => {
    const ended = await validate('loop.yaml', 'goal: Report\ntasks: &all\n  - *all\n');
    expect(ended.stderr).toMatch(/^loop\.yaml:3:5 {2}.*all/m);
    expect(ended).toMatchObject(refused);
  });

  test('is refused when it is nested too deeply', async () => {
    const ended = await validate('deep.json', '['.repeat(100_000));
    expect(problemLines(ended.stderr).length).toBeGreaterThan(0);
    expect(ended.stderr).not.toContain('    at ');
    expect(ended).toMatchObject(refused);
  });

  test('is refused when it is not text', async () => {
    const ended = await validate('picture.png', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff, 0));
    expect(ended.stderr).toMatch(/^picture\.png.*UTF-8/);
    expect(ended).toMatchObject(refused);
  });
});

describe('a file that cannot be read', () => {
  test('is named with the reason', async () => {
    const missing = await stratagem(['validate', 'missing.yaml'], { cwd: files.path });
    expect(missing.stderr).toMatch(/^missing\.yaml: cannot read: no such file$/m);
    expect(missing).toMatchObject(refused);

    const directory = await stratagem(['validate', '.'], { cwd: files.path });
    expect(directory.stderr).toMatch(/^\.: cannot read: it is a directory$/m);
    expect(directory).toMatchObject(refused);
  });
});

describe('several plans', () => {
  const good = 'goal: Good\nstrategy: sequential\ntasks: [{ id: a, description: Do it }]\n';
  const bad =
    'goal: Bad\ntasks:\n  - id: a\n    descripton: Do it\n  - { id: a, description: B }\n';
  const broken = 'goal: [';

  async function validateAll(args: readonly string[]) {
    await using plans = await folder({ 'good.yaml': good, 'bad.yaml': bad, 'broken.yaml': broken });
    return await stratagem(['validate', ...args], { cwd: plans.path });
  }

  test('are checked one by one, each with a line', async () => {
    const ended = await validateAll(['good.yaml', 'bad.yaml', 'none.yaml']);
    expect(ended.exitCode).toBe(2);
    expect(ended.stdout).toBe(
      '✓ good.yaml  Good (1 task, sequential)\n✗ bad.yaml   3 problems\n✗ none.yaml  1 problem\n',
    );
    expect(ended.stderr).toContain('bad.yaml:4:5  tasks[0].descripton: unknown field');
    expect(ended.stderr).toContain('none.yaml: cannot read: no such file');
    expect(await validateAll(['good.yaml', 'good.yaml'])).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  });

  test('have all their problems in JSON, with places and codes', async () => {
    const ended = await validateAll([
      '--json',
      'good.yaml',
      'bad.yaml',
      'broken.yaml',
      'none.yaml',
    ]);
    expect(ended).toMatchObject({ exitCode: 2, stderr: '' });
    const valid = { valid: true, goal: 'Good', tasks: 1, strategy: 'sequential', problems: [] };
    const invalid = { valid: false, goal: null, tasks: null, strategy: null };
    const place = (file: string, line: number, column: number, code: string) =>
      expect.objectContaining({ file, line, column, code, message: expect.any(String) });
    expect(JSON.parse(ended.stdout)).toEqual({
      valid: false,
      files: [
        { file: 'good.yaml', ...valid },
        {
          ...{ file: 'bad.yaml', ...invalid },
          problems: [
            place('bad.yaml', 3, 5, 'missing_field'),
            place('bad.yaml', 4, 5, 'unknown_field'),
            place('bad.yaml', 5, 11, 'duplicate_id'),
          ],
        },
        {
          ...{ file: 'broken.yaml', ...invalid },
          problems: [place('broken.yaml', 1, 8, 'syntax_error')],
        },
        {
          ...{ file: 'none.yaml', ...invalid },
          problems: [
            {
              ...{ file: 'none.yaml', line: null, column: null, code: 'invalid_file' },
              message: 'none.yaml: cannot read: no such file',
            },
          ],
        },
      ],
    });
  });

  test('that are valid are a document, too', async () => {
    const { exitCode, stdout } = await validateAll(['--json', 'good.yaml']);
    expect({ exitCode, valid: JSON.parse(stdout).valid }).toEqual({ exitCode: 0, valid: true });
  });
});
