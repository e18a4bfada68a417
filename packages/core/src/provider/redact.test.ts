import { describe, expect, test } from 'vitest';
import { redact, redactCause, secretsIn } from './redact.js';

describe('redaction', () => {
  const key = 'sk-very-secret';

  test('replaces every secret in a text, but no placeholders', () => {
    expect(redact(`key ${key}, again ${key}`, [key, 'x', ''])).toBe(
      'key [redacted], again [redacted]',
    );
    expect(redact('max exceeded', ['x'])).toBe('max exceeded');
  });

  test('finds the secrets of a URL, encoded and decoded', () => {
    const url = 'https://user:p%40ss-word@host/v1?api-version=2026-01&token=a%2Bb-secret';
    const echo = 'p%40ss-word p@ss-word a%2Bb-secret a+b-secret host';
    expect(redact(echo, secretsIn(url))).toBe(`${'[redacted] '.repeat(4)}host`);
    expect(redact('nothing in it', secretsIn('https://host/v1'))).toBe('nothing in it');
    expect(redact('100%-secret', secretsIn('https://host/?token=100%-secret'))).toBe('[redacted]');
  });

  test('returns a value without a secret unchanged', () => {
    const error = new Error('down', { cause: new Error('socket') });
    expect(redactCause(error, [key])).toBe(error);
    expect(redactCause(undefined, [key])).toBeUndefined();
  });

  test.each([
    ['the message', new Error(`bad key ${key}`)],
    ['the cause of a cause', new Error('a', { cause: new Error('b', { cause: new Error(key) }) })],
    ['a property', Object.assign(new Error('a'), { error: { details: [{ key: `=${key}` }] } })],
    ['headers', Object.assign(new Error('a'), { headers: new Headers({ 'x-echo': key }) })],
    ['a value that is no error', `thrown ${key}`],
    ['a getter that throws', Object.defineProperty(new Error('a'), 'request', { get: fail })],
    [
      'a value too large to search',
      Object.assign(new Error('a'), { list: [...Array(3_000).keys()] }),
    ],
  ])('replaces a value with a secret in %s', (_, thrown) => {
    const cause = redactCause(thrown, [key]) as Error;
    expect(cause).not.toBe(thrown);
    expect(cause).toBeInstanceOf(Error);
    expect(Reflect.ownKeys(cause).sort()).toEqual(['message', 'stack']);
    expect(`${cause.message} ${cause.stack}`).not.toContain(key);
  });

  test('terminates on a value that contains itself', () => {
    const error: Error & { self?: unknown } = new Error('round');
    error.self = error;
    expect(redactCause(error, [key])).toBe(error);
  });
});

function fail(): never {
  throw new Error('cannot be read');
}
