import { CommanderError } from 'commander';
import { UsageError } from './options/usage-error.js';
import { EXIT } from './output/exit-code.js';
import { flush, tolerateClosedPipes, write } from './output/streams.js';
import { forTerminal } from './output/terminal-text.js';
import { createProgram } from './program.js';

tolerateClosedPipes();
// A dependency may throw where nothing can catch it. `exit` also restores the cursor.
process.on('uncaughtException', async (error) => {
  await reportInternalError(error);
  process.exit(EXIT.failed);
});
const exitCode = await main(process.argv.slice(2));
await flush();
// A runner that ignores its abort signal must not keep the process alive.
process.exit(exitCode);

async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.completed;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already printed its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.completed : EXIT.usage;
    if (error instanceof UsageError) {
      // It may name tasks, files and servers, or say what one of these said.
      await write(process.stderr, `${forTerminal(error.message)}\n`);
      return EXIT.usage;
    }
    await reportInternalError(error);
    return EXIT.failed;
  }
}

async function reportInternalError(thrown: unknown): Promise<void> {
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const details = process.env.DEBUG ? `\n${stack}` : ' (use DEBUG=1 for a stack trace)';
  const text = forTerminal(`stratagem: ${message}${details}`);
  await write(process.stderr, `${text}\n`).catch(() => {});
}
