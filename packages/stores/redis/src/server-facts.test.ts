import { expect, test } from 'vitest';
import {
  acknowledgementOf,
  noticeAbout,
  requireVersion,
  type ServerFacts,
} from './server-facts.js';

const facts: ServerFacts = {
  ...{ version: '7.4.1', runId: 'x', hasAof: true, appendFsync: 'everysec' },
  maxmemoryPolicy: 'noeviction',
};

test.each([
  ['fsync', { appendFsync: 'always' }, 'reply'],
  ['fsync', { appendFsync: 'always', version: '7.0.15' }, 'reply'],
  ['fsync', {}, 'waitaof'],
  ['fsync', { appendFsync: undefined }, 'waitaof'],
  ['everysec', { version: '7.0.15' }, 'reply'],
  ['memory', { hasAof: false, appendFsync: 'no' }, 'reply'],
  ['fsync', { maxmemoryPolicy: 'volatile-lru' }, 'waitaof'],
] as const)('%s with %o is acknowledged by %s', (durability, more, expected) => {
  expect(acknowledgementOf({ ...facts, ...more }, durability, 'host:1')).toBe(expected);
});

test.each([
  ['fsync', { version: '7.0.15' }, 'set "appendfsync always", update to Redis 7.2 or Valkey'],
  ['fsync', { version: '7.0.15', appendFsync: undefined }, 'has an unknown appendfsync'],
  ['fsync', { hasAof: false }, 'keeps no append-only file'],
  ['everysec', { hasAof: false }, 'set "appendonly yes"'],
  ['everysec', { appendFsync: 'no' }, 'has "appendfsync no"'],
  ['memory', { maxmemoryPolicy: 'allkeys-lru' }, 'set "maxmemory-policy noeviction"'],
] as const)('%s with %o is refused: %s', (durability, more, message) => {
  const check = () => acknowledgementOf({ ...facts, ...more }, durability, 'host:1');
  expect(check).toThrow(message);
  expect(check).toThrow('Redis');
});

test('a server that is too old is refused', () => {
  expect(() => requireVersion({ ...facts, version: '6.2.14' })).toThrow(
    '@stratagem/redis needs Redis 7 or newer, or Valkey; the server has 6.2.14',
  );
  for (const version of ['7.0.0', '8.2.1', '10.0.0']) requireVersion({ ...facts, version });
});

test('a server that makes runs wait for the second is announced', () => {
  expect(noticeAbout(facts, 'waitaof', 'host:1')).toContain('Set "appendfsync always"');
  expect(noticeAbout(facts, 'reply', 'host:1')).toBeUndefined();
  const unknown = { ...facts, appendFsync: undefined };
  expect(noticeAbout(unknown, 'waitaof', 'host:1')).toBeUndefined();
});
