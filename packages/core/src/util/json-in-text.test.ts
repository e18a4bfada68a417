import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonInText } from './json-in-text.js';

test.each<[string, unknown[]]>([
  ['Here you are: {"n":1}. Anything else?', [{ n: 1 }]],
  ['{"n":1} or {"n":2}', [{ n: 2 }, { n: 1 }]],
  ['As [1] and [the docs] say: {"a":["]","}"]}', [{ a: [']', '}'] }, [1]]],
  ['[note: {"n":1}]', [{ n: 1 }]],
  ['{"a":{"n":1}, and so on}', []],
  ['a set {x | x > 1}, and "quotes { here", then {"n": -1.5e3}', [{ n: -1500 }]],
  ['{"n":1', []],
  ['[1 2] {,} {}', [{}]],
  ['no JSON, 7', []],
])('%j contains %j', (text, found) => {
  expect(jsonInText(text)).toEqual(found);
});

test('any object or list is found inside prose', () => {
  const container = fc.oneof(fc.object(), fc.array(fc.jsonValue())).filter(isJson);
  const prose = fc.stringMatching(/^[a-z .,"!']*$/);
  fc.assert(
    fc.property(container, prose, prose, (value, before, after) => {
      expect(jsonInText(`${before}${JSON.stringify(value)}${after}`)).toEqual([
        JSON.parse(JSON.stringify(value)),
      ]);
    }),
  );
});

function isJson(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

test.each(['[', '{"a":', '"', '\\"', '[1,'])('a text of many %j takes linear time', (piece) => {
  expect(jsonInText(piece.repeat(200_000))).toEqual([]);
});
