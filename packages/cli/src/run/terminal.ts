import { createInterface } from 'node:readline/promises';
import type { Progress } from '../output/create-progress.js';
import { forTerminal } from '../output/terminal-text.js';
import type { Terminal } from './human-steps.js';

/** Whether somebody sits there who can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks on the terminal, with the progress out of the way.
 *
 * @param progress What is shown meanwhile, if anything is.
 * @param onInterrupt Called for a Ctrl-C, which the reading of a line would otherwise swallow.
 * @returns undefined when nobody sits there.
 */
export function terminalOf(
  progress: Progress | undefined,
  onInterrupt: () => void,
): Terminal | undefined {
  const { stdin: input, stderr: output } = process;
  if (!canAsk()) return undefined;
  return {
    async ask(question, signal) {
      progress?.suspend();
      const lines = createInterface({ input, output });
      lines.on('SIGINT', onInterrupt);
      try {
        return await lines.question(forTerminal(question), { signal });
      } finally {
        lines.close();
        progress?.resume();
      }
    },
    tell(text) {
      progress?.suspend();
      output.write(`${forTerminal(text)}\n`);
      progress?.resume();
    },
  };
}
