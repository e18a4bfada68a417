import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RunnerError, TaskError } from '@stratagem/core';
import { expect, test } from 'vitest';
import { failureMessage } from './failure-message.js';

function thrown(error: Error, ...frames: string[]): string {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((at) => `    at ${at}`)].join(
    '\n',
  );
  return failureMessage(new TaskError('a', error));
}

test('a mistake in code comes with its place, as a path from here', () => {
  const runner = pathToFileURL(resolve('runners/mine.js')).href;
  const library = `${pathToFileURL(resolve('node_modules/zod/index.js')).href}:1:1`;
  expect(thrown(new TypeError('x is undefined'), library, `Object.run (${runner}:4:12)`)).toBe(
    `x is undefined (${join('runners', 'mine.js')}:4:12)`,
  );
  expect(
    thrown(new ReferenceError('y is not defined'), `async ${resolve('/elsewhere/b.ts')}:1:2`),
  ).toBe(`y is not defined (${resolve('/elsewhere/b.ts')}:1:2)`);
});

test('other failures have no place', () => {
  const frame = `run (${resolve('mine.js')}:4:12)`;
  expect(thrown(new Error('no such city'), frame)).toBe('no such city');
  expect(thrown(new RunnerError('refused', 'no'), frame)).toBe('no');
  expect(thrown(new TypeError('no frames'))).toBe('no frames');
  expect(thrown(new TypeError('inside'), 'node:internal/url:5:6')).toBe('inside');
});
