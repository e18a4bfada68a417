import { createInterface } from 'node:readline/promises';
import type { Terminal } from './human-steps.js';
import type { Progress } from './progress.js';
import { forTerminal } from './terminal-text.js';

/**
 * Asks on the terminal, with the progress out of the way.
 *
 * @param onInterrupt Called for a Ctrl-C, which the reading of a line would otherwise swallow.
 * @returns undefined when nobody sits there.
 */
export function terminalOf(progress: Progress, onInterrupt: () => void): Terminal | undefined {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) return undefined;
  return {
    async ask(question, signal) {
      progress.suspend();
      const lines = createInterface({ input, output });
      lines.on('SIGINT', onInterrupt);
      try {
        return await lines.question(forTerminal(question), { signal });
      } finally {
        lines.close();
        progress.resume();
      }
    },
    tell(text) {
      progress.suspend();
      output.write(`${forTerminal(text)}\n`);
      progress.resume();
    },
  };
}
