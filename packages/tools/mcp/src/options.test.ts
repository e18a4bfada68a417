import { expect, test } from 'vitest';
import { mcpTools } from './index.js';

const url = 'http://127.0.0.1:9/mcp';
const SECRET = 'a-secret-in-the-wrong-place';

test.each([
  [{}, 'pass either the command that starts a server, or the url of a running server'],
  [{ command: 'node', url }, 'pass either the command that starts a server'],
  [undefined, 'takes an object of options'],
  ['node server.js', 'takes an object of options'],
  [{ command: 'node', arguments: [] }, 'has no option "arguments".'],
  [{ command: 'node', headers: {} }, 'has no option "headers".'],
  [{ url, env: {} }, 'has no option "env".'],
  [{ command: '' }, 'command must be a non-empty string'],
  [{ command: ['node', SECRET] }, 'command must be a non-empty string'],
  [{ command: 'node', args: SECRET }, 'args must be a list of strings'],
  [{ command: 'node', args: [1] }, 'args must be a list of strings'],
  [{ command: 'node', env: [SECRET] }, 'env must be an object of strings'],
  [{ command: 'node', env: { TOKEN: undefined } }, 'env.TOKEN must be a string; it is undefined'],
  [{ command: 'node', cwd: ' ' }, 'cwd must be a non-empty string'],
  [{ url: SECRET }, 'url must begin with http:// or https://'],
  [{ url: 'ftp://127.0.0.1' }, 'url must begin with http:// or https://'],
  [
    { url: `http://user:${SECRET}@127.0.0.1/mcp` },
    'url must not contain a user name or password; send them in a header instead',
  ],
  [{ url: new URL(`http://${SECRET}@127.0.0.1/mcp`) }, 'url must not contain a user name'],
  [{ url: 1 }, 'url must begin with http:// or https://'],
  [{ url, headers: SECRET }, 'headers must be an object of strings'],
  [{ url, headers: { authorization: 1 } }, 'headers.authorization must be a string; it is number'],
  [{ url, headers: { 'no name': SECRET } }, 'headers has an invalid name or value'],
  [{ url, headers: { name: `${SECRET}\nx` } }, 'headers has an invalid name or value'],
  [{ url, authProvider: SECRET }, 'authProvider must be a provider of the SDK'],
  [{ url, include: 'search' }, 'include must be a list of strings'],
  [{ url, exclude: [null] }, 'exclude must be a list of strings'],
  [{ url, prefix: '' }, 'prefix must have at most 32 letters, digits, _ and -'],
  [{ url, prefix: 'git hub' }, 'prefix must have at most 32 letters, digits, _ and -'],
  [{ url, timeoutMs: 0 }, 'timeoutMs must be a positive number of milliseconds; it is 0'],
  [{ url, maxResultLength: 0 }, 'maxResultLength must be an integer ≥ 1'],
  [{ url, clientName: '' }, 'clientName must be a non-empty string'],
])('%j is rejected before a server is started', async (options, message) => {
  const failure = await mcpTools(options as never).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({
    name: 'OptionError',
    code: 'invalid_option',
    message: expect.stringMatching(/^mcpTools\(\)/),
  });
  expect((failure as Error).message).toContain(message);
  expect((failure as Error).message).not.toContain(SECRET);
});
