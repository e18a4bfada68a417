import { CommanderError } from 'commander';
import { UsageError } from './options/usage-error.js';
import { EXIT } from './output/exit-code.js';
import { write } from './output/streams.js';
import { forTerminal } from './output/terminal-text.js';
import { expandHelp } from './program/help.js';
import { createProgram } from './program.js';

/**
 * Runs one command line, and prints its result or its error.
 *
 * @returns The exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.completed;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(expandHelp(args, program), { from: 'user' });
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

export async function reportInternalError(thrown: unknown): Promise<void> {
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const details = process.env.DEBUG ? `\n${stack}` : ' (use DEBUG=1 for a stack trace)';
  const text = forTerminal(`stratagem: ${message}${details}`);
  await write(process.stderr, `${text}\n`).catch(() => {});
}
