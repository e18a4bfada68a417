import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TaskStream } from './task-stream.js';

/** The tasks in a text that arrives in these pieces, with the number of pieces before each. */
function foundIn(pieces: readonly string[], maxLength = 100_000) {
  const found: { task: unknown; after: number }[] = [];
  let count = 0;
  const stream = new TaskStream(maxLength, (task) => found.push({ task, after: count }));
  for (const piece of pieces) {
    count++;
    stream.write(piece);
  }
  return found;
}

const tasksIn = (...pieces: string[]) => foundIn(pieces).map(({ task }) => task);
const [a, b] = [{ id: 'a' }, { id: 'b', subtasks: [{ id: 'c' }], text: '}],"{[\\' }];
const plan = JSON.stringify({ tasks: [a, b] });

describe('the tasks of an answer', () => {
  test('are found as soon as each is complete', () => {
    const pieces = ['{"tasks": [{"id": ', '"a"}', ', {"id": "b"', '}', ']}'];
    expect(foundIn(pieces)).toEqual([
      { task: { id: 'a' }, after: 2 },
      { task: { id: 'b' }, after: 4 },
    ]);
  });

  test('are the same for any pieces of the text', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(plan.length)), (cuts) => {
        const places = [0, ...cuts.toSorted((x, y) => x - y), plan.length];
        const pieces = places.slice(1).map((end, index) => plan.slice(places[index], end));
        expect(tasksIn(...pieces)).toEqual([a, b]);
      }),
    );
  });

  test.each([
    ['after other fields', `{"goal": "x", "steps": [{"id": "no"}], "tasks": [{"id": "a"}]}`],
    ['in a plan that is wrapped', `{"plan": {"tasks": [{"id": "a"}]}}`],
    ['in a bare list', `[{"id": "a"}]`],
    ['in a fence, after prose', 'Here it is:\n```json\n{"tasks": [{"id": "a"}]}\n```\nDone {.'],
    ['after thoughts', '<think>{"tasks": [{"id": "no"}]}</think>\n{"tasks": [{"id": "a"}]}'],
    ['before invalid JSON', `{"tasks": [{"id": "a"}, {id: 'b'}, {"id": "c"}]}`],
    ['before the end of a text that is cut off', `{"tasks": [{"id": "a"}, {"id": "b`],
    ['before another answer', `{"tasks": [{"id": "a"}]} {"tasks": [{"id": "b"}]}`],
  ])('are found %s', (_, text) => {
    expect(tasksIn(text)).toEqual([{ id: 'a' }]);
    expect(tasksIn(...text)).toEqual([{ id: 'a' }]);
  });

  test('are absent from other texts', () => {
    for (const text of ['', 'no JSON', '{"steps": [{"id": "a"}]}', '{"tasks": {"a": {}}', '}]']) {
      expect(tasksIn(text)).toEqual([]);
    }
  });

  test('are not found beyond the maximum length', () => {
    expect(foundIn([...plan], plan.indexOf('}') + 1).map(({ task }) => task)).toEqual([a]);
  });
});
