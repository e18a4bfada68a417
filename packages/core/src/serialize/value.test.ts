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
  ])('refuses other values, with their path', (value, message) => {
    expect(() => toData(value)).toThrow(new UnstorableError([], '').constructor as never);
    expect(() => toData(value)).toThrow(message);
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
