import { CommanderError } from 'commander';
import { EXIT, UsageError } from './output/exit-code.js';
import { flush, tolerateClosedPipes, write } from './output/streams.js';
import { createProgram } from './program.js';

tolerateClosedPipes();
// Something that a dependency threw where nobody could catch it; `exit` restores the cursor.
process.on('uncaughtException', async (error) => {
  await reportInternal(error);
  process.exit(EXIT.failed);
});
const exitCode = await main(process.argv.slice(2));
await flush();
// Ends the process by itself: a runner that ignores its abort must not keep it alive.
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
    // Commander has printed its own message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.completed : EXIT.usage;
    if (error instanceof UsageError) {
      await write(process.stderr, `${error.message}\n`);
      return EXIT.usage;
    }
    await reportInternal(error);
    return EXIT.failed;
  }
}

async function reportInternal(thrown: unknown): Promise<void> {
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const more = process.env.DEBUG ? `\n${stack}` : ' (DEBUG=1 shows where)';
  await write(process.stderr, `stratagem: ${message}${more}\n`).catch(() => {});
}
