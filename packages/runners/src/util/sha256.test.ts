import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { sha256 } from './sha256.js';

afterEach(() => vi.unstubAllGlobals());

test('is the same with and without the hashes of Node', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      vi.unstubAllGlobals();
      const here = sha256(text);
      vi.stubGlobal('process', undefined);
      expect(sha256(text)).toBe(here);
    }),
    { numRuns: 100 },
  );
});

test('is SHA-256', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
