import { describe, expect, test } from 'vitest';
import { UsageError } from '../options/usage-error.js';
import { parsePlan } from './load-plan.js';
import { parseSource } from './parse-source.js';

function medianCpuMs(work: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    return process.cpuUsage(before).user / 1_000;
  });
  return times.toSorted((a, b) => a - b)[2] as number;
}

/** The lines of the problems, without the file name. */
async function problemsOf(text: string): Promise<string[]> {
  try {
    await parsePlan(text, 'plan.yaml');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const [list = '', end] = error.message.split('\n\n');
    const problems = list.split('\n');
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    expect(end).toBe(`plan.yaml is not a valid plan: ${count}.`);
    return problems.map((line) => {
      expect(line.startsWith('plan.yaml:')).toBe(true);
      return line.slice('plan.yaml:'.length);
    });
  }
  return [];
}

const task = 'tasks: [{ id: a, description: x }]';

describe('a plan', () => {
  test('is read from YAML, with its strategy', async () => {
    const text = `
# The report of this quarter
goal: Report
strategy: { name: parallel, maxParallel: 3 }
tasks:
  - id: research
    description: >
      Gather
      data
  - { id: report, description: Write, dependencies: [research] }
`;
    expect(await parsePlan(text, 'plan.yaml')).toEqual({
      plan: {
        goal: 'Report',
        tasks: [
          { id: 'research', description: 'Gather data\n' },
          { id: 'report', description: 'Write', dependencies: ['research'] },
        ],
      },
      strategy: { name: 'parallel', maxParallel: 3 },
      files: ['plan.yaml'],
    });
  });

  test('is read from JSON, with tabs and the byte order mark that other tools write', async () => {
    const plan = { goal: 'Report', tasks: [{ id: 'a', description: 'x' }] };
    expect(await parsePlan(`\ufeff${JSON.stringify(plan, undefined, '\t')}`, 'plan.json')).toEqual({
      plan,
      files: ['plan.json'],
    });
  });

  test('of 100,000 tasks is read from JSON at the cost of a few JSON.parse', () => {
    const tasks = Array.from({ length: 100_000 }, (_, index) => ({
      id: `task-${index}`,
      description: `Summarise document ${index}`,
      ...(index > 0 && { dependencies: [`task-${index - 1}`] }),
    }));
    const text = JSON.stringify({ goal: 'x', tasks });
    const parse = medianCpuMs(() => void JSON.parse(text));
    const source = medianCpuMs(() => void parseSource(text));
    expect(source / parse).toBeLessThan(25);
  });

  test('may use the same alias in every task', async () => {
    const tasks = Array.from({ length: 2_000 }, (_, index) =>
      index === 0
        ? '  - { id: t0, description: &text Do it, metadata: &shared { team: a, list: [1, 2] } }'
        : `  - { id: t${index}, description: *text, metadata: *shared }`,
    );
    const { plan } = await parsePlan(['goal: x', 'tasks:', ...tasks].join('\n'), 'plan.yaml');
    expect(plan.tasks.at(-1)).toEqual({
      id: 't1999',
      description: 'Do it',
      metadata: { team: 'a', list: [1, 2] },
    });
  });

  test('resolves an alias to the last anchor of its name before it', async () => {
    const text = 'goal: &g one\nmetadata: { a: *g, b: &g two, c: *g }\n';
    expect((await parsePlan(text + task, 'plan.yaml')).plan.metadata).toEqual({
      a: 'one',
      b: 'two',
      c: 'two',
    });
  });

  test('may use __proto__ and constructor as ids, and as keys without polluting prototypes', async () => {
    const text = `goal: x
metadata: { __proto__: { polluted: true } }
tasks:
  - { id: __proto__, description: x }
  - { id: constructor, description: x, dependencies: [__proto__] }`;
    const { plan } = await parsePlan(text, 'plan.yaml');
    expect(plan.tasks.map(({ id }) => id)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('reads "no" and 12:30 as text, even with a YAML 1.1 directive', async () => {
    const { plan } = await parsePlan(
      '%YAML 1.1\n---\ngoal: no\ntasks: [{ id: 12:30, description: y }]',
      'plan.yaml',
    );
    expect([plan.goal, plan.tasks[0]]).toEqual(['no', { id: '12:30', description: 'y' }]);
  });
});

describe('every problem is listed with its line and column', () => {
  test('in the order of the file', async () => {
    const text = `goal: Bad
stratgy: parallel
tasks:
  - id: a
    descripton: x
    dependencies: [reserch, b]
  - id: b
    description: y
    dependencies:
      - a
  - id: 7
    description: z
  - id: research
    description: z
    type: acton
`;
    expect(await problemsOf(text)).toEqual([
      '2:1  stratgy: unknown field "stratgy". Did you mean "strategy"?',
      expect.stringMatching(/^4:5 {2}tasks\[0\]\.description: is missing/),
      '5:5  tasks[0].descripton: unknown field "descripton". Did you mean "description"?',
      expect.stringMatching(/^6:19 {2}tasks\[0\]\.dependencies: .*a → b → a/),
      '6:20  tasks[0].dependencies[0]: there is no task "reserch". Did you mean "research"?',
      expect.stringMatching(/^11:9 {2}tasks\[2\]\.id: must be a string/),
      expect.stringMatching(/^15:11 {2}tasks\[3\]\.type: .*Did you mean "action"\?$/),
    ]);
  });

  test('in JSON, too', async () => {
    const text = `{
  "goal": "x",
  "tasks": [
    { "id": "a", "description": "x", "dependencies": ["b"] }
  ]
}`;
    expect(await problemsOf(text)).toEqual([
      '4:55  tasks[0].dependencies[0]: there is no task "b". Did you mean "a"?',
    ]);
  });

  test('in JSON with duplicate keys, a mark, and a wrong field deep in it', async () => {
    const text =
      '\ufeff{ "goal": "x", "goal": "y",\n "tasks": [{ "id": "a", "descripton": "x" }] }';
    expect(await problemsOf(text)).toEqual([
      '1:17  duplicate key "goal"',
      expect.stringMatching(/^2:12 {2}tasks\[0\]\.description: is missing/),
      '2:25  tasks[0].descripton: unknown field "descripton". Did you mean "description"?',
    ]);
  });

  test('at the anchor, when an alias repeats the value', async () => {
    const text = `goal: x
metadata: { list: &list [nobody] }
tasks:
  - { id: a, description: x, dependencies: *list }`;
    expect(await problemsOf(text)).toEqual([
      '2:26  tasks[0].dependencies[0]: there is no task "nobody".',
    ]);
  });

  test('together with duplicate keys', async () => {
    const text =
      'goal: x\ngoal: y\ntasks:\n  - { id: a, id: b, description: x, dependencies: [c] }';
    expect(await problemsOf(text)).toEqual([
      '2:1  duplicate key "goal"',
      '4:14  duplicate key "id"',
      '4:52  tasks[0].dependencies[0]: there is no task "c". Did you mean "b"?',
    ]);
  });

  test('up to a hundred; more are counted', async () => {
    const text = `goal: x\n${task}\n${Array.from({ length: 150 }, (_, i) => `k${i}: 1`).join('\n')}`;
    await expect(parsePlan(text, 'plan.yaml')).rejects.toThrow(
      /k99: unknown field.*\n… and 50 more\n\nplan\.yaml is not a valid plan: 150 problems\.$/,
    );
  });

  test('with escape sequences of the file made visible', async () => {
    const [problem] = await problemsOf(`goal: x\n"\\e[2Jk": 1\n${task}`);
    expect(problem).toMatch(/^2:1 {2}␛\[2Jk: unknown field "␛\[2Jk"/);
  });
});

describe('a syntax error', () => {
  test.each([
    [
      'a colon in plain text',
      `goal: Report: AI\n${task}`,
      /^1:7 .*Put text that contains ": " in quotes\.$/,
    ],
    ['a tab as indentation', 'goal: x\ntasks:\n\t- id: a', /^3:1 .*Indent with spaces\.$/],
    [
      'text that starts with a reserved character',
      `goal: @x\n${task}`,
      /^1:7 .*Put the text in quotes\.$/,
    ],
    ['a tag', `goal: !!js/function x\n${task}`, /^1:7 .*YAML tags are not supported$/],
    ['a second document', `goal: x\n${task}\n---\ngoal: y`, /^3:1 .*second YAML document/],
    [
      'an unknown anchor',
      `goal: *nobody\n${task}`,
      /^1:7 {2}undefined alias "\*nobody": no anchor "&nobody"/,
    ],
    ['a key that is not a string', `goal: x\n[a]: 1\n${task}`, /^2:1 .*must be strings$/],
    ['JSON without a comma', '{\n "goal": "x" "tasks": [] }', /^2:14 {2}invalid JSON: Expected/],
    [
      'JSON with a comma too many',
      '{\n "goal": "x",\n "tasks": [,] }',
      /^3:12 {2}invalid JSON: Unexpected token ','$/,
    ],
    ['JSON that ends too soon', '{ "goal": "x",\n"tasks": [', /^2:11 {2}invalid /],
    ['YAML that begins with a bracket', '{ goal: x, tasks: [ }', /^1:21 {2}invalid YAML: /],
    ['a list of YAML in brackets', '[a: b: c]', /^1:\d+ {2}invalid YAML: /],
    ['a set', `goal: x\nmetadata: !!set { a, b }\n${task}`, /^2:11 .*YAML tags are not supported$/],
    [
      'bytes',
      `goal: x\nmetadata: { a: !!binary aGk= }\n${task}`,
      /^2:16 .*tags are not supported$/,
    ],
    ['a merge key', `goal: x\nmetadata: { <<: { a: 1 } }\n${task}`, /^2:13 {2}merge keys \(<<\)/],
    ['an empty file', '', /^1:1 {2}the file is empty/],
    ['a file with only a comment', '# soon\n', /^1:1 {2}the file is empty/],
    ['too many brackets', '['.repeat(100_000), /nested too deeply: more than 500 levels$/],
    ...[600, 5_000, 200_000].flatMap((depth): [string, string, RegExp][] => {
      const list = `${'['.repeat(depth)}1${']'.repeat(depth)}`;
      const json = `{ "goal": "x", "metadata": { "deep": ${list} }, "tasks": [] }`;
      return [
        [`JSON of ${depth} levels`, json, /nested too deeply: more than 500 levels$/],
        [
          `YAML of ${depth} levels`,
          `goal: x\nmetadata: { deep: ${list} }\n${task}`,
          /nested too deeply/,
        ],
      ];
    }),
  ])('%s is reported once, with its position', async (_, text, problem) => {
    expect(await problemsOf(text)).toEqual([expect.stringMatching(problem)]);
  });

  test('an alias inside the value that it refers to is refused', async () => {
    expect(await problemsOf(`goal: x\nmetadata: &m\n  a: *m\n${task}`)).toEqual([
      '3:6  alias "*m" refers to a value that contains it',
    ]);
  });

  test('aliases that expand to billions of values are refused', async () => {
    const lines = Array.from({ length: 30 }, (_, i) =>
      i === 0 ? '  l0: &l0 [x]' : `  l${i}: &l${i} [*l${i - 1}, *l${i - 1}]`,
    );
    expect(await problemsOf(['goal: x', 'metadata:', ...lines, task].join('\n'))).toEqual([
      expect.stringMatching(/expand to more than 1,000,000 values$/),
    ]);
  });
});
