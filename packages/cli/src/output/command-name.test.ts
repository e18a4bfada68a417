import { expect, test } from 'vitest';
import { COMMAND, commandOf } from './command-name.js';

test.each([
  ['/home/ada/shop/node_modules/.bin/stratagem', 'npx stratagem'],
  ['/home/ada/.npm/_npx/1f2e/node_modules/.bin/stratagem', 'npx stratagem'],
  ['C:\\shop\\node_modules\\.bin\\stratagem', 'npx stratagem'],
  ['/usr/local/bin/stratagem', 'stratagem'],
  ['/home/ada/stratagem/packages/cli/bin/stratagem.js', 'stratagem'],
  [undefined, 'stratagem'],
])('%s is called again as %s', (script, command) => {
  expect(commandOf(script)).toBe(command);
});

test('a program that was started from code has its plain name', () => {
  expect(COMMAND).toBe('stratagem');
});
