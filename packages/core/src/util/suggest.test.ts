import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean } from './suggest.js';

test.each([
  ['reserch', ['research', 'report'], ' Did you mean "research"?'],
  ['Research', ['research'], ' Did you mean "research"?'],
  ['researhc', ['research'], ' Did you mean "research"?'],
  ['summary', ['research', 'report'], ''],
  ['a', ['b'], ' Did you mean "b"?'],
  ['ab', ['xy'], ''],
  ['constructr', ['constructor', 'toString'], ' Did you mean "constructor"?'],
  ['marche', ['marché'], ' Did you mean "marché"?'],
  ['🙂🙃🙂', ['🙂🙂🙂'], ' Did you mean "🙂🙂🙂"?'],
  ['x'.repeat(1000), ['x'.repeat(999)], ''],
  ['x', [], ''],
  ['', [''], ' Did you mean ""?'],
])('%.10s among %.30j gives %j', (word, candidates, suggestion) => {
  expect(didYouMean(word, candidates)).toBe(suggestion);
});

test('names the closest candidate, the first of equals', () => {
  expect(didYouMean('reporting', ['repoting2', 'reportin', 'reporing'])).toBe(
    ' Did you mean "reportin"?',
  );
});

test('finds a word after any single typing error', () => {
  const word = fc.string({ minLength: 3, maxLength: 20, unit: fc.constantFrom(...'abcdefgh') });
  const slip = fc.record({
    kind: fc.constantFrom('drop', 'double', 'swap', 'replace'),
    at: fc.nat(),
  });
  fc.assert(
    fc.property(word, slip, (right, { kind, at: position }) => {
      const at = position % (right.length - 1);
      const [before, after] = [right.slice(0, at), right.slice(at)];
      const wrong = {
        drop: before + after.slice(1),
        double: before + after[0] + after,
        swap: `${before}${after[1]}${after[0]}${after.slice(2)}`,
        replace: `${before}z${after.slice(1)}`,
      }[kind] as string;
      expect(didYouMean(wrong, ['xxxxxxxxxxxxxxxxxxxxxxxxx', right])).toBe(
        ` Did you mean "${right}"?`,
      );
    }),
  );
});

test('suggests one of the candidates or nothing, for any words', () => {
  const words = fc.string({ unit: 'binary', maxLength: 70 });
  fc.assert(
    fc.property(words, fc.array(words), (word, candidates) => {
      const suggestion = didYouMean(word, candidates);
      const possible = candidates.map((candidate) => ` Did you mean "${candidate}"?`);
      expect(['', ...possible]).toContain(suggestion);
    }),
  );
});

test('compares no more than 10,000 candidates', () => {
  let seen = 0;
  function* endless() {
    for (;;) yield `task ${seen++}`;
  }
  expect(didYouMean('nothing like it', endless())).toBe('');
  expect(seen).toBeLessThanOrEqual(10_001);
});
