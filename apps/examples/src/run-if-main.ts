import { realpathSync } from 'node:fs';
import { isStratagemError } from '@stratagem/core';

/**
 * Runs `main` if its module was started as a program, not if it was imported. A failed plan ends the
 * program with a one-line message and exit code 1.
 */
export async function runIfMain(module: ImportMeta, main: () => Promise<void>): Promise<void> {
  if (!isMain(module)) return;
  try {
    await main();
  } catch (error) {
    // Stratagem's messages say what to do; for other errors, the stack trace helps more.
    console.error(isStratagemError(error) ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** Does what `import.meta.main` does, which needs Node 24.2. */
function isMain({ filename }: ImportMeta): boolean {
  const started = process.argv[1];
  try {
    return started !== undefined && realpathSync(started) === filename;
  } catch {
    return false;
  }
}
