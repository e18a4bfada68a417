import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { bytesOf, charactersOf } from './latin1.js';

afterEach(() => vi.unstubAllGlobals());

test.each([[true], [false]])('bytes are the same again, with Buffer: %s', (hasBuffer) => {
  if (!hasBuffer) vi.stubGlobal('Buffer', undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
      const text = charactersOf(bytes.subarray(1));
      expect(text.length).toBe(Math.max(0, bytes.length - 1));
      expect([...bytesOf(text)]).toEqual([...bytes.subarray(1)]);
    }),
    { numRuns: 30 },
  );
});
