import type { RunEventType, TaskCompleted, TaskFailed, TaskRetrying } from '../contract/event.js';
import { isAnswered } from '../contract/retry.js';
import type { RunState } from '../state/run-state.js';
import type { Cooldowns } from './cooldowns.js';

const ENDS: readonly RunEventType[] = ['task_completed', 'task_failed', 'task_retrying'];

/**
 * Makes the cooldowns of a run again from its log: the pauses that servers asked for, which servers have
 * answered since, and which attempts began after the pause.
 */
export function restoreTrials(
  cooldowns: Cooldowns,
  state: RunState,
  resourceOf: (index: number) => string,
): void {
  const { log, graph } = state;
  if (state.cooldowns.size === 0) return;
  for (const [resource, { until, pauseMs }] of state.cooldowns) {
    cooldowns.begin(resource, until, pauseMs);
  }
  const since = (index: number) =>
    state.cooldowns.get(resourceOf(index))?.until ?? Number.POSITIVE_INFINITY;
  const starts: number[] = [];
  for (let index = 0; index < graph.size; index++) {
    if (state.isRunning(index) && state.startedAtOf(index) >= since(index)) starts.push(index);
  }
  starts.sort((a, b) => state.startedAtOf(a) - state.startedAtOf(b));
  let next = 0;
  const startUntil = (now: number) => {
    for (; next < starts.length; next++) {
      const index = starts[next] as number;
      const startedAt = state.startedAtOf(index);
      if (startedAt > now) return;
      cooldowns.expire(startedAt);
      cooldowns.started(resourceOf(index), index, startedAt);
    }
  };
  for (let position = 0; position < log.length; position++) {
    if (!ENDS.includes(log.typeAt(position))) continue;
    const index = log.indexAt(position);
    const at = log.timeAt(position);
    const event = log.eventAt(position) as TaskCompleted | TaskFailed | TaskRetrying;
    if (event.attempt === 0 || at < since(index)) continue;
    startUntil(at);
    const error = 'error' in event ? event.error : undefined;
    cooldowns.settled(resourceOf(index), index, isAnswered(error), at);
  }
  startUntil(Number.POSITIVE_INFINITY);
}
