import type { RunEvent, StrategySwitched } from '@stratagem/core';

/** A switch of the strategy. */
export interface RunSwitch {
  readonly event: StrategySwitched;
  /** Milliseconds since the start of the run, without the time it was down. */
  readonly atMs: number;
}

/** The switches of a run since its plan began, or began again with an accepted change. */
export function switchesOf(events: readonly RunEvent[]): RunSwitch[] {
  let switches: RunSwitch[] = [];
  let startedAt = 0;
  for (const event of events) {
    if (event.type === 'run_started') [switches, startedAt] = [[], event.timestamp];
    else if (event.type === 'run_resumed') startedAt += event.downtimeMs;
    else if (event.type === 'strategy_switched') {
      switches.push({ event, atMs: event.timestamp - startedAt });
    }
  }
  return switches;
}
