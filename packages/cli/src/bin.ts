import { CommanderError } from 'commander';
import { EXIT, UsageError } from './exit-code.js';
import { tolerateClosedPipes, write } from './output.js';
import { createProgram } from './program.js';

tolerateClosedPipes();
// Ends the process by itself: a runner that ignores its abort must not keep it alive.
process.exit(await main(process.argv.slice(2)));

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
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const more = process.env.DEBUG ? `\n${stack}` : ' (DEBUG=1 shows where)';
    await write(process.stderr, `stratagem: ${message}${more}\n`);
    return EXIT.failed;
  }
}
