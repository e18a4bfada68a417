import { expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import { missingPackage } from './missing-package.js';

const notFound = (message: string) =>
  Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });

test.each(["Cannot find package 'openai' imported from /app/x.js", 'Cannot find module "openai"'])(
  'a package that is not there is named, with the command that installs it: %s',
  (message) => {
    const thrown = notFound(message);
    const error = missingPackage('openai()', 'openai', thrown);
    expect(error).toBeInstanceOf(RunnerError);
    expect(error).toMatchObject({
      code: 'invalid_request',
      message: 'openai() needs the package openai: npm install openai',
      cause: thrown,
    });
  },
);

test.each([
  new Error("Cannot find package 'openai'"),
  notFound("Cannot find package 'ws' imported from /app/node_modules/openai/index.mjs"),
  undefined,
])('any other error is left as it is', (thrown) => {
  expect(missingPackage('openai()', 'openai', thrown)).toBe(thrown);
});
