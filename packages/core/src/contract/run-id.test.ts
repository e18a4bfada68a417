import { expect, test } from 'vitest';
import { idempotencyKeyOf, newRunId } from './run-id.js';

test('an idempotency key is valid in a header for any task id', () => {
  const ids = [
    'a',
    'a/b',
    'ümläut 漢字 🦉',
    '\ud800',
    '\n\r\0',
    'x'.repeat(10_000),
    '漢'.repeat(300),
  ];
  for (const id of ids) {
    const key = idempotencyKeyOf(newRunId(), id, 3);
    expect(key).toMatch(/^[\x21-\x7e]{1,255}$/);
    expect(() => new Headers({ 'idempotency-key': key })).not.toThrow();
  }
});

test('each attempt of each task of each run has a key of its own', () => {
  const long = 'x'.repeat(5_000);
  const keys = ['r', 's'].flatMap((run) =>
    ['a', 'a/1', 'b', 'ü', `${long}a`, `${long}b`, `a${long}`, `${long}`].flatMap((task) =>
      [1, 2, 11].map((attempt) => idempotencyKeyOf(run, task, attempt)),
    ),
  );
  expect(new Set(keys).size).toBe(2 * 8 * 3);
});

test('the key of an attempt is always the same', () => {
  expect(idempotencyKeyOf('run-1', 'each[0]', 2)).toBe('run-1/each%5B0%5D/2');
});
