import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptionError, RunnerError, TaskError } from '../contract/errors.js';
import { JournalError } from '../contract/journal-error.js';
import { fromData, toData, toDataLoosely, UnstorableError } from './value.js';

const RUNS = 5_000;

/** Values of every kind that can be kept, nested, with the keys that are used for marks. */
const values: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false, 0, -0, Number.NaN, Number.POSITIVE_INFINITY),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.constantFrom('a', 'b', '$', '__proto__', 'value', 'constructor', ''),
      tie('value'),
    ),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((items) => new Set(items)),
  ),
})).value;

describe('toData', () => {
  test('keeps every supported value through JSON', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = JSON.stringify(toData(value));
        expect(isDeepStrictEqual(plain(fromData(JSON.parse(text))), plain(value))).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  test('returns the same object for plain data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const json = JSON.parse(JSON.stringify(value));
        expect(toData(json)).toBe(json);
        expect(fromData(json)).toBe(json);
      }),
      { numRuns: RUNS },
    );
  });

  test('keeps the class of our errors, without stacks and causes', () => {
    const cause = new Error('sk-secret');
    const usage = { inputTokens: 1, outputTokens: 2 };
    const error = new TaskError(
      'a',
      new RunnerError('rate_limited', 'slow', { cause, usage, retryAfterMs: 5 }),
    );
    const text = JSON.stringify(
      toData([error, new JournalError('journal_full', 'full', { runId: 'x' })]),
    );
    expect(text).not.toContain('sk-secret');
    const [task, journal] = fromData(JSON.parse(text)) as [TaskError, JournalError];
    expect(task).toBeInstanceOf(TaskError);
    expect(task).toMatchObject({
      name: 'TaskError',
      code: 'rate_limited',
      taskId: 'a',
      usage,
      retryAfterMs: 5,
    });
    expect([task.message, task.cause, task.stack]).toEqual([error.message, undefined, undefined]);
    expect(journal).toBeInstanceOf(JournalError);
    expect(journal).toMatchObject({ code: 'journal_full', runId: 'x' });
    expect(JSON.stringify(task)).toBe(JSON.stringify(error));
  });

  test('keeps an error of an unknown class as the nearest known class', () => {
    class Odd extends OptionError {}
    const odd = fromData(toData(new Odd('what?')));
    expect(odd).toMatchObject({ name: 'Odd', code: 'invalid_option', message: 'what?' });
    expect(odd).not.toBeInstanceOf(OptionError);
  });

  test.each<[unknown, string]>([
    [() => 1, 'it is a function'],
    [{ a: [{ b: Symbol('s') }] }, 'a[0].b is a symbol'],
    [[[new WeakMap()]], '[0][0] is an instance of WeakMap'],
    [new Map([['k', Promise.resolve()]]), '[0][1] is an instance of Promise'],
    [nested(1_100), 'it is nested too deeply, or contains itself'],
    [Object.assign([1], { total: 1 }), 'it is a list with properties of its own'],
    [{ a: /b/.exec('abc') }, 'a is a list with properties of its own'],
    [{ a: { [Symbol('s')]: 1 } }, 'a is an object with a symbol as a key'],
    [Object.assign([1], { [Symbol('s')]: 1 }), 'it is a list with properties of its own'],
    [new (class Index extends Map {})(), 'it is an instance of Index'],
  ])('refuses other values, with their path', (value, message) => {
    expect(() => toData(value)).toThrow(new UnstorableError([], '').constructor as never);
    expect(() => toData(value)).toThrow(message);
  });

  test.each<[string, unknown]>([
    ['a buffer', Buffer.from('abc')],
    ['an empty buffer', Buffer.alloc(0)],
    ['a part of a buffer', Buffer.from('abcdef').subarray(2, 4)],
    ['bytes', new Uint8Array([1, 2])],
    ['floats', new Float64Array([0.5, Number.NaN])],
    ['shorts', new Int16Array(new Int16Array([1, 2, 3]).buffer, 2, 1)],
    ['clamped bytes', new Uint8ClampedArray([255])],
    ['big integers', new BigInt64Array([-1n])],
    ['an array buffer', new Uint8Array([1, 2]).buffer],
    ['a data view', new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1)],
  ])('keeps the class of %s', (_, value) => {
    const decoded = fromData(JSON.parse(JSON.stringify(toData({ value }))));
    expect(isDeepStrictEqual(decoded, { value })).toBe(true);
  });

  test('keeps name, message, code, cause and errors of other errors, and no other field', () => {
    const cause = Object.assign(new RangeError('inner'), { code: 'ENOENT', headers: 'sk-secret' });
    const error = new TypeError('outer', { cause });
    const all = new AggregateError([error, new Error('second')], 'all');
    const text = JSON.stringify(toData([error, all]));
    expect(text).not.toContain('sk-secret');
    const [one, several] = fromData(JSON.parse(text)) as [TypeError, AggregateError];
    expect(one).toBeInstanceOf(TypeError);
    expect(one).toMatchObject({ name: 'TypeError', message: 'outer' });
    expect(one.cause).toBeInstanceOf(RangeError);
    expect(one.cause).toMatchObject({ message: 'inner', code: 'ENOENT' });
    expect(several).toBeInstanceOf(AggregateError);
    expect(several).toMatchObject({ name: 'AggregateError', message: 'all' });
    expect(several.errors.map(({ message }) => message)).toEqual(['outer', 'second']);
  });

  test('refuses an unknown kind of value', () => {
    expect(() => fromData({ $: 'regexp', value: 'a' })).toThrow('unknown kind of value "regexp"');
  });
});

test('toDataLoosely describes values that cannot be stored', () => {
  expect(toDataLoosely({ a: () => 1, b: [new URL('http://x')], c: 1 })).toEqual({
    a: '[a function]',
    b: ['[an instance of URL]'],
    c: 1,
  });
});

/** Objects are compared by what they hold, and not by their prototype. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return ['map', [...value].map(plain)];
  if (value instanceof Set) return ['set', [...value].map(plain)];
  if (value instanceof Date || value instanceof Uint8Array) return value;
  if (typeof value !== 'object' || value === null) return value;
  return ['object', Object.entries(value).map(([key, each]) => [key, plain(each)])];
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}
