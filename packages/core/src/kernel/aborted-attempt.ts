import type { Machine } from './machine.js';

/** An attempt was aborted in a run that continues: its server has not answered it. */
export function discardAttempt(machine: Machine, index: number): void {
  const { cooldowns, strategy, heard, state, now } = machine;
  heard.delete(index);
  if (cooldowns.isActive) cooldowns.settled(strategy.resourceOf(index), index, false, now);
  strategy.discarded(index, now - state.startedAtOf(index));
}
