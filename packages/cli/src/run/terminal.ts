import { createInterface } from 'node:readline/promises';
import type { Progress } from '../output/progress.js';
import { forTerminal } from '../output/terminal-text.js';

/** Asks the user. */
export interface Terminal {
  /** Rejects when the signal is aborted. */
  ask(question: string, signal: AbortSignal): Promise<string>;
  print(text: string): void;
}

/** Whether there is a terminal to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Opens the terminal for questions; the progress is hidden while one is asked.
 *
 * @param onInterrupt Called for a Ctrl-C, which reading a line would otherwise swallow.
 * @returns undefined when there is no terminal.
 */
export function openTerminal(
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
    print(text) {
      progress?.suspend();
      output.write(`${forTerminal(text)}\n`);
      progress?.resume();
    },
  };
}

/** Asks until the answer is yes or no. Rejects when the signal is aborted. */
export async function askYesOrNo(
  terminal: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const text = (await terminal.ask(`${question} [y/n] `, signal)).trim();
    if (/^y(es)?$/i.test(text)) return true;
    if (/^no?$/i.test(text)) return false;
    terminal.print('Please answer y or n.');
  }
}
