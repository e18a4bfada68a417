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
  retain(commands, (command, position) => {
    if (command.type === 'start') return position > (aborted.get(command.index) ?? -1);
    return command.type !== 'replan' || position > lastRound;
  });
}

/** Drops the other commands from the list. There may be more of them than a call can have arguments. */
export function retain(
  commands: Command[],
  isKept: (command: Command, position: number) => boolean,
): void {
  let kept = 0;
  for (const [position, command] of commands.entries()) {
    if (isKept(command, position)) commands[kept++] = command;
  }
  commands.length = kept;
}
