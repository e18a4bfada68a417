import { describe, expect, test } from 'vitest';
import { SecretTexts } from './secret-texts.js';

const SECRET = 'sk-very-secret';
const texts = new SecretTexts({ key: SECRET });

describe('secret texts are replaced', () => {
  test('as the paths and parameters of addresses have them', () => {
    const key = 'a"b/c+d e==';
    const encoded = new SecretTexts({ key });
    const { pathname, search } = new URL(`https://x/${key}?${new URLSearchParams({ key })}`);
    expect(encoded.text(pathname)).toBe('/[secret]');
    expect(encoded.text(search)).toBe('?key=[secret]');
    expect(encoded.text(`?key=${encodeURIComponent(key)}`)).toBe('?key=[secret]');
    expect(new SecretTexts({ key: 'half \ud83d' }).text('it is half \ud83d')).toBe(
      'it is [secret]',
    );
  });

  test('in maps, sets and errors', () => {
    const value = { map: new Map([[SECRET, [SECRET]]]), set: new Set([SECRET]) };
    expect(texts.value(value)).toEqual({
      map: new Map([['[secret]', ['[secret]']]]),
      set: new Set(['[secret]']),
    });
    const error = texts.value(new Error(`bad ${SECRET}`));
    expect(error.message).toBe('bad [secret]');
    expect(error.stack).not.toContain(SECRET);
  });

  test('as numbers, and in texts that have the number', () => {
    const numbers = new SecretTexts({ pin: 482_915, big: 123_456_789_012n, short: 12 });
    const value = { pin: 482_915, text: 'the pin is 482915', big: 123_456_789_012n, n: 482_916 };
    expect(numbers.value(value)).toEqual({
      ...{ pin: '[secret]', text: 'the pin is [secret]', big: '[secret]', n: 482_916 },
    });
    // A text of fewer than four characters is in too many others.
    expect(numbers.value({ short: 12, text: '12' })).toEqual({ short: 12, text: '12' });
  });

  test('in thrown values that are no errors', () => {
    expect(texts.error(`bad ${SECRET}`)).toBe('bad [secret]');
    expect(texts.error({ message: SECRET })).toEqual({ message: '[secret]' });
  });

  test('in the fields of an error and in all its causes, and it stays the same error', () => {
    const inner = new AggregateError([new Error(SECRET)], SECRET);
    const error = Object.assign(new Error('x', { cause: inner }), { url: `https://x/${SECRET}` });
    expect(texts.error(error)).toBe(error);
    expect(error.url).toBe('https://x/[secret]');
    expect(inner.message).toBe('[secret]');
    expect(inner.errors[0].message).toBe('[secret]');
    expect(texts.error(Object.assign(new Error('x'), { cause: SECRET }))).toMatchObject({
      cause: '[secret]',
    });
  });

  test('in a frozen error, whose copy is of the same class', () => {
    const error = texts.error(Object.freeze(new TypeError(`bad ${SECRET}`))) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('bad [secret]');
    expect(error.stack).not.toContain(SECRET);
  });

  test('in values that are shared many times or refer to themselves', () => {
    let shared: unknown = SECRET;
    for (let depth = 0; depth < 100; depth++) shared = [shared, shared];
    let clean = texts.value(shared);
    while (Array.isArray(clean)) clean = clean[1];
    expect(clean).toBe('[secret]');
    const cyclic: Record<string, unknown> = { a: SECRET };
    cyclic.self = cyclic.other = cyclic;
    expect(texts.value(cyclic).a).toBe('[secret]');
  });
});

test('an error with causes that are nested too deeply is replaced', () => {
  let error = new Error(SECRET);
  for (let depth = 0; depth < 50_000; depth++) error = new Error('x', { cause: error });
  expect(texts.error(error)).toMatchObject({ message: expect.stringMatching(/too deeply/) });
});

test('a value without secrets stays the same object', () => {
  const value = { list: [1, { a: 'b' }], map: new Map([[1, new Set(['x'])]]), at: new Date(0) };
  expect(texts.value(value)).toBe(value);
});
