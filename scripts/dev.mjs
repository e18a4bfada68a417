import { spawn } from 'node:child_process';

// Checks types and tests of the whole workspace on every change. Vitest gets the keys.
const types = spawn('tsc', ['-p', 'tsconfig.json', '--watch', '--preserveWatchOutput'], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
const tests = spawn('vitest', ['--watch', ...process.argv.slice(2)], { stdio: 'inherit' });
tests.on('exit', (status) => {
  types.kill();
  process.exitCode = status ?? 1;
});
