import type { RunAnalysis, Span, SpanKind, TaskAnalysis } from '@stratagem/core/analysis';
import { round } from './round.js';
import type { Cause, Segment, ShownStatus, TaskModel, Wait, WaitingCall } from './run-model.js';
import { wellFormed } from './well-formed.js';

/** What a task waited for while it was ready; undefined for stretches that are no wait. */
const WAIT_CAUSES: Readonly<Record<SpanKind, Cause | undefined>> = {
  ...{ paused: 'hold', rate_limit: 'limit', cap: 'cap', resource_cap: 'cap', places: 'cap' },
  budget: 'budget',
  ...{ strategy: 'strategy', scheduling: 'other', queue: 'queue' },
  ...{ dependency: undefined, run: undefined, retried: undefined, backoff: undefined },
  ...{ person: undefined, children: undefined, settled: undefined },
};

export interface Words {
  readonly prompt: string;
  readonly question: string | undefined;
  readonly calls: readonly WaitingCall[] | undefined;
}

export function taskModelOf(
  run: RunAnalysis,
  task: TaskAnalysis,
  inputs: readonly string[],
  { prompt, question, calls }: Words,
): TaskModel {
  const { id, level, kind, parent, attempts, spans, endMs, usage } = task;
  const isGroup = kind === 'group' || kind === 'fan_out' || kind === 'loop';
  const children = isGroup ? childrenOf(run).get(id) : undefined;
  const segments = segmentsOf(task);
  const start = isGroup ? firstOf(spans, 'children') : segments[0]?.from;
  const error = lastError(task);
  const model = attempts.findLast((attempt) => attempt.model !== undefined)?.model;
  const lastInput = lastInputOf(run, task);
  return {
    ...{ id, type: task.task.type ?? 'action', level, status: shownStatus(task) },
    ...(parent !== undefined && { parent }),
    ...(isGroup && { children: children ?? [] }),
    ...(task.loop !== undefined && { loop: task.loop }),
    ...(kind === 'person' && { human: waitKind(task) }),
    ...{ inputs, segments, waits: waitsOf(task) },
    ...(task.readyMs !== undefined && { ready: round(task.readyMs) }),
    ...(start !== undefined && { start: round(start) }),
    ...(endMs !== undefined && { end: round(endMs) }),
    attempts: attempts.at(-1)?.attempt ?? 0,
    inputTokens: usage?.inputTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
    ...(usage !== undefined && task.costUsd !== null && { costUsd: task.costUsd }),
    ...(model !== undefined && { model }),
    ...(error !== undefined && { error }),
    ...(task.reason !== undefined && { reason: task.reason }),
    ...(task.failedTaskId !== undefined && { failedTask: task.failedTaskId }),
    ...(lastInput !== undefined && { lastInput }),
    ...((task.isCritical || isCriticalGroup(run, id)) && { isCritical: true as const }),
    prompt,
    ...(question !== undefined && task.state === 'waiting' && { question }),
    ...(calls !== undefined && endMs === undefined && { calls }),
  };
}

const families = new WeakMap<RunAnalysis, Map<string, string[]>>();

function childrenOf(run: RunAnalysis): Map<string, string[]> {
  let family = families.get(run);
  if (family === undefined) {
    family = new Map();
    for (const { id, parent } of run.tasks) {
      if (parent === undefined) continue;
      const siblings = family.get(parent);
      if (siblings === undefined) family.set(parent, [id]);
      else siblings.push(id);
    }
    families.set(run, family);
  }
  return family;
}

/** A group is critical through its tasks. */
function isCriticalGroup(run: RunAnalysis, id: string): boolean {
  const children = childrenOf(run).get(id) ?? [];
  return children.some((each) => run.task(each)?.isCritical || isCriticalGroup(run, each));
}

/** What it waited for last; a task of a group, what its group waited for. */
function lastInputOf(run: RunAnalysis, { spans, parent }: TaskAnalysis): string | undefined {
  const own = spans.findLast(({ kind }) => kind === 'dependency')?.by;
  const group = own === undefined && parent !== undefined ? run.task(parent) : undefined;
  return group === undefined ? own : lastInputOf(run, group);
}

function shownStatus({ state, status }: TaskAnalysis): ShownStatus {
  switch (state) {
    case 'open':
      return 'running';
    case 'ready':
      return 'pending';
    case 'retrying':
    case 'waiting':
      return state;
    default:
      return status;
  }
}

function waitKind({ task }: TaskAnalysis): 'approval' | 'answer' {
  const { waitFor } = task;
  return (typeof waitFor === 'string' ? waitFor : waitFor?.kind) ?? 'approval';
}

function segmentsOf(task: TaskAnalysis): Segment[] {
  const { spans, attempts, endMs, status } = task;
  return spans.flatMap((span): Segment[] => {
    // The last stretch of a task that has not ended lasts.
    const isOpen = endMs === undefined && span === spans.at(-1);
    const times = { from: round(span.startMs), ...(!isOpen && { to: round(span.endMs) }) };
    const attempt = attempts.find((each) => each.attempt === span.attempt);
    const about = span.attempt === undefined ? {} : { attempt: span.attempt };
    const error = errorOf(attempt);
    switch (span.kind) {
      case 'retried':
        return [{ kind: 'fail', ...times, ...about, ...error }];
      case 'backoff':
        return [{ kind: 'backoff', ...times, ...about }];
      case 'person':
        return [{ kind: 'human', ...times }];
      case 'run':
        if (attempt?.outcome === 'failed' || (status === 'failed' && span === spans.at(-1))) {
          return [{ kind: 'fail', ...times, ...about, ...error, isLast: true }];
        }
        return [{ kind: 'run', ...times, ...about, ...cutOf(attempt) }];
      default:
        return [];
    }
  });
}

function cutOf(attempt: TaskAnalysis['attempts'][number] | undefined): { isCut?: true } {
  return attempt?.outcome === 'canceled' ? { isCut: true } : {};
}

function errorOf(attempt: TaskAnalysis['attempts'][number] | undefined): Partial<Segment> {
  if (attempt?.code === undefined) return {};
  const message = wellFormed((attempt.message ?? attempt.code).slice(0, 2_000));
  return { error: { code: attempt.code, message } };
}

function lastError({ status, attempts }: TaskAnalysis): TaskModel['error'] {
  return status === 'failed' ? errorOf(attempts.at(-1)).error : undefined;
}

function waitsOf({ spans, endMs }: TaskAnalysis): Wait[] {
  return spans.flatMap((span): Wait[] => {
    const cause = WAIT_CAUSES[span.kind];
    if (cause === undefined) return [];
    const isOpen = endMs === undefined && span === spans.at(-1);
    return [{ cause, from: round(span.startMs), ...(!isOpen && { to: round(span.endMs) }) }];
  });
}

function firstOf(spans: readonly Span[], kind: SpanKind): number | undefined {
  return spans.find((span) => span.kind === kind)?.startMs;
}
