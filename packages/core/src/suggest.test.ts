import { expect, test } from 'vitest';
import { didYouMean } from './suggest.js';

test.each([
  ['reserch', ['research', 'report'], ' Did you mean "research"?'],
  ['Research', ['research'], ' Did you mean "research"?'],
  ['researhc', ['research'], ' Did you mean "research"?'],
  ['summary', ['research', 'report'], ''],
  ['a', ['b'], ' Did you mean "b"?'],
  ['ab', ['xy'], ''],
  ['x'.repeat(1000), ['x'.repeat(999)], ''],
  ['x', [], ''],
])('%.10s among %.30j gives %j', (word, candidates, suggestion) => {
  expect(didYouMean(word, candidates)).toBe(suggestion);
});
