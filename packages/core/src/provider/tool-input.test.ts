import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputJson, replayedName, ToolInputText } from './tool-input.js';

test.each<[unknown, string]>([
  ['{"a":1}', '{"a":1}'],
  [{ a: 1 }, '{"a":1}'],
  ['"{\\"a\\":1}"', '{"a":1}'],
  ['"\\"{}\\""', '{}'],
  ['{"a":', '{}'],
  ['"text"', '{}'],
  ['[1]', '{}'],
  ['null', '{}'],
  ['', '{}'],
  [undefined, '{}'],
])('the history repeats the input %j as an object', (input, json) => {
  expect(inputJson(input)).toBe(json);
});

test.each<[unknown, string]>([
  ['look-up_1', 'look-up_1'],
  ['functions.look up', 'functions_look_up'],
  ['x'.repeat(70), 'x'.repeat(64)],
  ['', 'unknown'],
  [null, 'unknown'],
])('the history repeats the name %j as %s', (name, replayed) => {
  expect(replayedName(name)).toBe(replayed);
});

describe('an input that arrives in pieces', () => {
  const read = (pieces: readonly string[]) => {
    const input = new ToolInputText();
    for (const piece of pieces) input.add(piece);
    return input;
  };

  test.each<[string, string[], string]>([
    ['after an empty announcement', ['{}', '{"a":', '1}'], '{"a":1}'],
    ['once more at the end', ['{"a":', '1}', '{"a":1}'], '{"a":1}'],
    ['with all that came before', ['{', '{"a":"', '{"a":"}', '{"a":"}"}'], '{"a":"}"}'],
    ['with all that came before, and once more', ['{"a":', '{"a":1}', '{"a":1}'], '{"a":1}'],
    ['with all that came before, and a blank', ['{"a":', '{"a":1}', '\n'], '{"a":1}'],
    ['with its own beginning within', ['{"a":[', '{"a":[1]}]}'], '{"a":[{"a":[1]}]}'],
    ['with a whole object within', ['{"a":[', '{"a":[1]}', ']', '}'], '{"a":[{"a":[1]}]}'],
    ['with a name like its beginning', ['{"', '{":1}'], '{"{":1}'],
  ])('%s is read once', (_, pieces, json) => {
    const input = read(pieces);
    expect([input.json, input.isWhole]).toEqual([json, true]);
  });

  test('is what was sent, wherever the pieces end', () => {
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.record({ a: fc.oneof({ maxDepth: 4 }, fc.string(), fc.array(tie('tree'))) }),
    }));
    fc.assert(
      fc.property(tree, fc.array(fc.nat(30)), (value, sizes) => {
        const json = JSON.stringify(value);
        const pieces: string[] = [];
        let start = 0;
        for (const size of sizes) {
          pieces.push(json.slice(start, start + size));
          start += size;
        }
        pieces.push(json.slice(start));
        expect(read(pieces)).toMatchObject({ json, isWhole: true });
        const grown = pieces.map((_, index) => pieces.slice(0, index + 1).join(''));
        expect(read(grown)).toMatchObject({ json, isWhole: true });
      }),
    );
  });
});
