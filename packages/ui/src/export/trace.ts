import type { RunModel, TaskModel } from '../model/run-model.js';
import { endOf, viewOf } from '../view/run-view.js';
import { layoutTimeline } from '../view/timeline-layout.js';
import { CAUSE_WORDS, STATUS_WORDS } from '../view/words.js';

/** An event of the trace format of Chrome, which Perfetto opens. Times are microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly cat?: string | undefined;
  /** X: a slice; C: a counter; i: a moment; M: a name. */
  readonly ph: 'X' | 'C' | 'i' | 'M';
  readonly ts: number;
  readonly dur?: number | undefined;
  readonly pid: number;
  readonly tid: number;
  /** The scope of a moment: the whole process. */
  readonly s?: 'p' | undefined;
  readonly args?: Readonly<Record<string, unknown>> | undefined;
}

export interface Trace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
  readonly otherData: Readonly<Record<string, unknown>>;
}

/** Tracks: what decided the time, pauses, people, then one for each slot. */
const [PATH, PAUSES, PEOPLE, SLOTS] = [1, 2, 3, 10];

const micros = (ms: number) => Math.round(ms * 1_000);

/** The trace of a model: one track for each slot, and what decided the time on a track of its own. */
export function traceOf(model: RunModel): Trace {
  const view = viewOf(model);
  const events: TraceEvent[] = [];
  const slice = (
    ...[tid, name, from, to, cat, args]: [number, string, number, number, string, object]
  ) => {
    const times = { ts: micros(from), dur: micros(to) - micros(from) };
    events.push({ name, cat, ph: 'X', ...times, pid: 1, tid, args: { ...args } });
  };
  const track = (tid: number, name: string) => {
    const place = { ph: 'M' as const, ts: 0, pid: 1, tid };
    events.push({ name: 'thread_name', ...place, args: { name } });
    events.push({ name: 'thread_sort_index', ...place, args: { sort_index: tid } });
  };
  const counter = (name: string, at: number, tasks: number) =>
    events.push({ name, ph: 'C', ts: micros(at), pid: 1, tid: 0, args: { tasks } });

  events.push({ name: 'process_name', ph: 'M', ts: 0, pid: 1, tid: 0, args: { name: model.goal } });
  track(PATH, 'What decided the time');
  for (const { cause, from, to, task } of model.parts) {
    slice(PATH, cause === 'run' ? task : CAUSE_WORDS[cause], from, to, 'path', { task });
  }
  if (model.pauses.length + model.holds.length > 0) track(PAUSES, 'Pauses');
  for (const { from, to, resource } of model.pauses) {
    slice(PAUSES, CAUSE_WORDS.limit, from, to, 'pause', { resource });
  }
  for (const [from, to] of model.holds) slice(PAUSES, CAUSE_WORDS.hold, from, to, 'pause', {});
  const people = model.tasks.filter(({ human }) => human !== undefined);
  if (people.length > 0) track(PEOPLE, 'People');
  for (const task of people) {
    for (const segment of task.segments) {
      slice(PEOPLE, task.id, segment.from, endOf(segment, view.now), 'person', about(task));
    }
  }
  for (const [lane, bars] of layoutTimeline(view, 'slots', new Set()).lanes.entries()) {
    track(SLOTS + lane, `Slot ${lane + 1}`);
    for (const { task, kind, from, to, segment } of bars) {
      const attempt = { attempt: segment?.attempt, error: segment?.error };
      const category = kind === 'fail' ? 'failed' : 'attempt';
      slice(SLOTS + lane, task.id, from, Math.min(to, view.now), category, {
        ...about(task),
        ...attempt,
      });
    }
  }
  for (const [at, running] of model.concurrency) counter('Running', at, running);
  for (const [at, limit] of model.caps) if (limit !== null) counter('Limit', at, limit);
  for (const { type, at, text } of model.events) {
    if (!type.startsWith('run_') && !type.startsWith('strategy_')) continue;
    events.push({ name: text, cat: 'run', ph: 'i', ts: micros(at), pid: 1, tid: 0, s: 'p' });
  }
  const { runId, goal, status, strategy, startedAt } = model;
  const otherData = { runId, goal, status, strategy, startedAt: new Date(startedAt).toISOString() };
  return { displayTimeUnit: 'ms', traceEvents: events, otherData };
}

function about(task: TaskModel): object {
  const { id, status, level, type, prompt, inputTokens, outputTokens, costUsd, model } = task;
  return {
    ...{ task: id, status: STATUS_WORDS[status], level, type, prompt, inputTokens, outputTokens },
    ...{ costUsd, model, criticalPath: task.isCritical ?? false },
  };
}
