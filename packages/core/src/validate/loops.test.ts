import { describe, expect, test } from 'vitest';
import { problemTexts } from '../../test/problem-texts.js';
import type { Repeat } from '../contract/repeat.js';
import type { Task } from '../contract/task.js';

const JUDGED = {
  type: 'object',
  properties: { score: { type: 'number' }, advice: { type: 'string' } },
};

const repeat = (path: string, operator = '>=', value: unknown = 0.9): Repeat =>
  ({ until: { path, operator, value } }) as Repeat;

function draft(task: Partial<Task>): Task[] {
  return [
    {
      id: 'topic',
      description: 'topic',
      outputSchema: { type: 'object', properties: { name: {} } },
    },
    { id: 'draft', description: 'x', dependencies: ['topic'], outputSchema: JUDGED, ...task },
  ];
}

function improve(task: Partial<Task>, judge: Partial<Task> = {}): Task[] {
  return [
    {
      id: 'improve',
      repeat: repeat('judge.score'),
      subtasks: [
        { id: 'write', description: 'Write' },
        {
          id: 'judge',
          description: 'Judge {{write}}',
          dependencies: ['write'],
          outputSchema: JUDGED,
          ...judge,
        },
      ],
      ...task,
    },
  ];
}

describe('the condition of a loop', () => {
  test.each([
    draft({ repeat: repeat('draft.score') }),
    draft({ repeat: repeat('topic.name', '==', 'bees') }),
    draft({ repeat: repeat('previous.score') }),
    draft({ repeat: repeat('iteration', '>=', 3) }),
    improve({}),
    improve({ repeat: repeat('improve.judge.score') }),
    improve({ repeat: repeat('previous.judge.score') }),
    improve({ repeat: { until: () => true, maxIterations: 9, onExhausted: 'fail' } }),
  ])('may be about its output, its subtasks and its inputs', (...tasks) => {
    expect(problemTexts(tasks)).toEqual([]);
  });

  test.each([
    [
      draft({ repeat: repeat('draft.scor') }),
      'tasks[1].repeat.until.path: "draft.scor" is not in the output of "draft": its schema has no "scor" there. Did you mean "score"?',
    ],
    [
      draft({ repeat: repeat('draft.score', '>=', 'high') }),
      'tasks[1].repeat.until.value: must be a number, as the schema says',
    ],
    [
      draft({ repeat: repeat('drft.score') }),
      'tasks[1].repeat.until.path: "drft.score" is not an input of this task. Did you mean "draft"?',
    ],
    [
      improve({ repeat: repeat('judge.scor') }),
      'tasks[0].repeat.until.path: "judge.scor" is not in the output of "judge": its schema has no "scor" there. Did you mean "score"?',
    ],
    [
      improve({ repeat: repeat('improve.jud.score') }),
      'tasks[0].repeat.until.path: "improve.jud.score" is not in the output of "improve": its schema has no "jud" there. Known fields are write, judge.',
    ],
    [
      improve({ repeat: { until: { path: 'judge.score', operator: '~', value: 1 } as never } }),
      /tasks\[0\]\.repeat\.until\.operator: must be one of ==/,
    ],
    [
      improve({ repeat: {} as never }),
      'tasks[0].repeat.until: is missing; it is the condition that ends the loop',
    ],
    [
      improve({ repeat: 'judge.score' as never }),
      /tasks\[0\]\.repeat: must be an object like \{ until: /,
    ],
    [
      improve({ repeat: { until: () => true, maxIterations: 0 } }),
      'tasks[0].repeat.maxIterations: must be an integer ≥ 1',
    ],
    [
      improve({ repeat: { until: () => true, onExhausted: 'stop' as never } }),
      'tasks[0].repeat.onExhausted: must be one of complete, fail.',
    ],
    [
      improve({ repeat: { until: () => true, max: 3 } as never }),
      /tasks\[0\]\.repeat\.max: unknown field "max"\..*maxIterations/,
    ],
  ])('is checked: %#', (tasks, problem) => {
    expect(problemTexts(tasks)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ]);
  });
});

describe('references inside a loop', () => {
  test.each([
    draft({
      description: 'Better than {{previous.score}}, {{iteration}}',
      repeat: repeat('draft.score'),
    }),
    improve({}, { description: '{{previous.judge.advice}} {{iteration}} {{write}}' }),
    improve({}, { when: { path: 'previous.judge.score', operator: '<', value: 1 } }),
  ])('may be to the iteration before', (...tasks) => {
    expect(problemTexts(tasks)).toEqual([]);
  });

  test.each([
    [
      draft({ description: '{{previous.scor}}', repeat: repeat('draft.score') }),
      /description: \{\{previous\.scor\}\} is not in the output of "previous"/,
    ],
    [
      improve({}, { description: '{{previous.judge.scor}}' }),
      /subtasks\[1\]\.description: \{\{previous\.judge\.scor\}\} is not in the output of "previous"/,
    ],
    [
      improve({}, { description: '{{iteration.x}}' }),
      /\{\{iteration\.x\}\} is not in the output of "iteration"/,
    ],
    [
      draft({
        when: { path: 'previous.score', operator: '>', value: 1 },
        repeat: repeat('draft.score'),
      }),
      'tasks[1].when.path: "previous.score" is not an input of this task. A loop checks it once, before its first iteration; use it in until.',
    ],
    [draft({ description: '{{previous}}' }), /\{\{previous\}\} is not an input of this task/],
    [
      improve({}, { id: 'previous' }).map((task) => ({
        ...task,
        repeat: repeat('write', '==', 'x'),
      })),
      /"previous" is a reserved name in a loop; give that task another id/,
    ],
    [
      [{ id: 'a', description: 'a' }, ...improve({}, { dependencies: ['write', 'a'] })],
      '"a" is neither a subtask of this loop nor one of its dependencies.',
    ],
  ])('are checked: %#', (tasks, problem) => {
    expect(problemTexts(tasks)).toEqual([
      typeof problem === 'string'
        ? expect.stringContaining(problem)
        : expect.stringMatching(problem),
    ]);
  });
});

describe('tasks after a loop', () => {
  const after = (task: Partial<Task>): Task[] => [
    ...improve({}),
    { id: 'publish', description: 'x', dependencies: ['improve'], ...task },
  ];

  test.each([
    after({ description: '{{improve.judge.score}} {{improve#ending}} {{improve#iterations}}' }),
    after({ when: { path: 'improve#ending', operator: '==', value: 'exhausted' } }),
  ])('may refer to its output and to how it ended', (...tasks) => {
    expect(problemTexts(tasks)).toEqual([]);
  });

  test.each([
    [after({ description: '{{improve.judge.scor}}' }), /is not in the output of "improve"/],
    [
      after({ when: { path: 'improve#ending', operator: '==', value: 'exausted' } }),
      /when\.value: must be one of "reached", "exhausted", "failed". Did you mean "exhausted"\?/,
    ],
    [
      [
        { id: 'plain', description: 'x' },
        { id: 'b', description: '{{plain#ending}}', dependencies: ['plain'] },
      ],
      /\{\{plain#ending\}\} is not an input of this task/,
    ],
    [after({ id: 'improve#2' }), /ids such as "improve#1" are reserved for the loop "improve"/],
    [
      after({ id: 'improve#ending' }),
      /ids such as "improve#1" are reserved for the loop "improve"/,
    ],
    [after({ dependencies: ['judge'] }), /there is no task "judge"/],
  ])('are checked: %#', (tasks, problem) => {
    expect(problemTexts(tasks)).toEqual([expect.stringMatching(problem)]);
  });
});

test('a loop for each item has the names of both', () => {
  const each = (description: string, until = repeat('each', '==', 'x')): Task[] => [
    {
      id: 'list',
      description: 'x',
      outputSchema: { type: 'array', items: { type: 'object', properties: { url: {} } } },
    },
    { id: 'each', description, dependencies: ['list'], forEach: 'list', repeat: until },
  ];
  expect(problemTexts(each('{{item.url}} {{index}} {{previous}} {{iteration}}'))).toEqual([]);
  expect(problemTexts(each('x', repeat('item.url', '==', 'x')))).toEqual([]);
  expect(problemTexts(each('x', repeat('item.uri', '==', 'x')))).toEqual([
    expect.stringContaining('Did you mean "url"?'),
  ]);
});
