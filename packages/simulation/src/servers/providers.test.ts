import { expect, test } from 'vitest';
import { serve, times } from '../../test/serve.js';
import { cpuBound } from './load.js';
import { overload } from './overload.js';
import { providers } from './providers.js';

const model = providers({
  slow: cpuBound(),
  small: overload({ capacity: 1, maxInFlight: 1, kind: 'timeout' }),
});

test('each provider has its own limits', () => {
  const served = serve(model, [
    { at: 0, resource: 'slow' },
    { at: 0, resource: 'slow' },
    { at: 0, resource: 'small' },
    { at: 0, resource: 'small', abortAt: 500 },
  ]);
  expect(times(served)).toEqual([2_000, 2_000, 1_000, undefined]);
});

test('spreads tasks evenly, and sends a task always to the same provider', () => {
  const resources = Array.from({ length: 1_000 }, (_, index) =>
    model.resourceOf?.({ id: `${index}` }),
  );
  const slow = resources.filter((resource) => resource === 'slow').length;
  expect(slow).toBeGreaterThan(440);
  expect(slow).toBeLessThan(560);
  expect(resources.filter((resource) => resource === 'small')).toHaveLength(1_000 - slow);
  expect(model.resourceOf?.({ id: '7' })).toBe(resources[7]);
});

test('rejects an empty list', () => {
  expect(() => providers({})).toThrow('at least one');
});
