import type { Command } from '../kernel/command.js';

/**
 * Leaves out the starts of attempts that a later command aborts: with a journal, several steps are
 * written, and carried out, together.
 */
export function dropAborted(commands: Command[]): void {
  const aborted = new Map<number, number>();
  let lastRound = -1;
  for (const [position, command] of commands.entries()) {
    if (command.type === 'abort') aborted.set(command.index, position);
    if (command.type === 'abort_replan') lastRound = position;
  }
  if (aborted.size === 0 && lastRound < 0) return;
  const left = commands.filter((command, position) => {
    if (command.type === 'start') return position > (aborted.get(command.index) ?? -1);
    return command.type !== 'replan' || position > lastRound;
  });
  commands.splice(0, commands.length, ...left);
}
