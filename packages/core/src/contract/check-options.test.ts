import { describe, expect, test } from 'vitest';
import { capOf } from './cap.js';
import { checkDuration, checkFlag, checkLimit, checkOptions } from './check-options.js';
import { OptionError } from './errors.js';
import type { Strategy } from './strategy.js';

const thrownBy = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    expect((error as OptionError).code).toBe('invalid_option');
    return (error as OptionError).message;
  }
  return 'nothing';
};

describe('checkOptions', () => {
  const known = ['maxParallel', 'levelBarrier'];

  test('accepts all known options, also those set to undefined', () => {
    expect(thrownBy(() => checkOptions('parallel()', {}, known))).toBe('nothing');
    expect(thrownBy(() => checkOptions('parallel()', { maxParallel: undefined }, known))).toBe(
      'nothing',
    );
  });

  test.each<[object, readonly string[], string]>([
    [
      { maxparallel: 3 },
      known,
      'parallel() has no option "maxparallel". Did you mean "maxParallel"?',
    ],
    [
      { retries: 3 },
      known,
      'parallel() has no option "retries". It takes maxParallel, levelBarrier.',
    ],
    [{ constructor: 1 }, known, 'parallel() has no option "constructor". It takes maxParallel,'],
    [JSON.parse('{"__proto__": 1}'), known, 'parallel() has no option "__proto__".'],
    [{ any: 1 }, [], 'parallel() has no option "any". It takes none.'],
  ])('refuses %j of %j', (options, among, message) => {
    expect(thrownBy(() => checkOptions('parallel()', options, among))).toContain(message);
  });

  test.each([undefined, null, 3, 'fast', true, [], () => {}])('refuses %s itself', (options) => {
    expect(thrownBy(() => checkOptions('parallel()', options as object, known))).toBe(
      'parallel() takes an object of options',
    );
  });
});

describe('the checks of values', () => {
  test.each([1, 2, 1e9, Number.POSITIVE_INFINITY])('%s is a limit', (value) => {
    expect(thrownBy(() => checkLimit('x()', 'maxParallel', value))).toBe('nothing');
  });

  test.each([
    0,
    -1,
    1.5,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    '3',
    null,
    undefined,
    3n,
    Symbol('n'),
  ])('%s is not a limit', (value) => {
    expect(thrownBy(() => checkLimit('x()', 'maxParallel', value as number))).toBe(
      `x(): maxParallel must be an integer ≥ 1 or Infinity; it is ${String(value)}`,
    );
  });

  test.each([0.5, 1, Number.MAX_VALUE])('%s is a duration', (value) => {
    expect(thrownBy(() => checkDuration('x()', 'timeoutMs', value))).toBe('nothing');
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '3', null, 3n])(
    '%s is no duration',
    (value) => {
      expect(thrownBy(() => checkDuration('x()', 'timeoutMs', value as number))).toBe(
        `x(): timeoutMs must be a positive number of milliseconds; it is ${String(value)}`,
      );
    },
  );

  test.each([0, 1, 'true', null, undefined])('%s is not a flag', (value) => {
    expect(thrownBy(() => checkFlag('x()', 'failFast', true))).toBe('nothing');
    expect(thrownBy(() => checkFlag('x()', 'failFast', value as never))).toBe(
      `x(): failFast must be true or false; it is ${String(value)}`,
    );
  });
});

test.each<[string, unknown]>([
  ['has no prototype', Object.create(null)],
  [
    'throws when it is shown',
    {
      toString() {
        throw new Error('no');
      },
    },
  ],
])('the checks name the option even when its value %s', (_, value) => {
  for (const check of [checkLimit, checkDuration, checkFlag]) {
    expect(thrownBy(() => check('x()', 'option', value as never))).toContain('x(): option must');
  }
});

test('capOf returns the lower of both caps, and 16 without any', () => {
  const strategy = (maxParallel?: number): Strategy => ({
    name: 'x',
    begin: () => ({ ready() {}, next: () => undefined }),
    ...(maxParallel !== undefined && { maxParallel }),
  });
  expect(capOf(strategy(), undefined)).toBe(16);
  expect(capOf(strategy(4), undefined)).toBe(4);
  expect(capOf(strategy(), 4)).toBe(4);
  expect(capOf(strategy(), 64)).toBe(64);
  expect(capOf(strategy(4), 2)).toBe(2);
  expect(capOf(strategy(2), 4)).toBe(2);
  expect(capOf(strategy(Number.POSITIVE_INFINITY), 4)).toBe(4);
  expect(capOf(strategy(4), Number.POSITIVE_INFINITY)).toBe(4);
});
