import { realpathSync } from 'node:fs';
import { isStratagemError } from '@stratagem/core';

/**
 * Runs `main` when its module is the program that was started, not when another one imports it.
 * A failed plan ends the program with one line and exit code 1.
 */
export async function runIfMain(module: ImportMeta, main: () => Promise<void>): Promise<void> {
  if (!isMain(module)) return;
  try {
    await main();
  } catch (error) {
    // Our messages say what to do; of a bug, the stack says more.
    console.error(isStratagemError(error) ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** `import.meta.main`, which only came with Node 24.2. */
function isMain({ filename }: ImportMeta): boolean {
  const started = process.argv[1];
  try {
    return started !== undefined && realpathSync(started) === filename;
  } catch {
    return false;
  }
}
