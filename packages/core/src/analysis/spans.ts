import { exact } from './run-clock.js';
import { type RunFold, wasRefused } from './run-fold.js';
import type { AttemptRecord, Phase, TaskRecord } from './task-record.js';
import type { Span } from './types.js';

/**
 * The spans of a task: its phases with the waits split by cause.
 *
 * @param untilMs The end of the analysis.
 */
export function spansOf(fold: RunFold, record: TaskRecord, untilMs: number): Span[] {
  const { phases, endMs = untilMs } = record;
  const spans: Span[] = [];
  for (const [position, phase] of phases.entries()) {
    const to = phases[position + 1]?.startMs ?? Math.max(endMs, phase.startMs);
    if (to > phase.startMs) addPhase(fold, record, phase, to, spans);
  }
  return spans;
}

function addPhase(fold: RunFold, record: TaskRecord, phase: Phase, endMs: number, into: Span[]) {
  const { kind, startMs, attempt, untilMs = endMs, by } = phase;
  const add = (span: Span) => {
    if (span.endMs > span.startMs) into.push(span);
  };
  switch (kind) {
    case 'blocked': {
      const id = by < 0 ? {} : { by: idOf(fold, by) };
      add({ kind: 'dependency', startMs, endMs, ...id });
      break;
    }
    case 'ready':
      splitWait(fold, record, startMs, endMs, into);
      break;
    case 'attempt': {
      const { attempt: number, beginMs } = attempt as AttemptRecord;
      const kind = isRepeated(record, attempt as AttemptRecord) ? 'retried' : 'run';
      const begin = Math.min(Math.max(beginMs, startMs), endMs);
      add({ kind: 'queue', startMs, endMs: begin, attempt: number });
      add({ kind, startMs: begin, endMs, attempt: number });
      break;
    }
    case 'backoff': {
      const until = Math.min(Math.max(startMs, exact(untilMs)), endMs);
      const kind = wasRefused(attempt) ? 'rate_limit' : 'backoff';
      add({ kind, startMs, endMs: until, attempt: attempt?.attempt });
      splitWait(fold, record, until, endMs, into);
      break;
    }
    default:
      add({ kind, startMs, endMs });
  }
}

/** Splits the time in which a task was ready. What it competes for is certain from its first start on. */
function splitWait(
  fold: RunFold,
  { index }: TaskRecord,
  startMs: number,
  endMs: number,
  into: Span[],
): void {
  fold.blockers.split(startMs, endMs, fold.resourceOf(index), into);
}

function isRepeated({ attempts }: TaskRecord, attempt: AttemptRecord): boolean {
  if (attempt.outcome === 'retried') return true;
  return attempt.outcome !== 'completed' && attempts?.at(-1) !== attempt;
}

export function idOf({ graph }: RunFold, index: number): string {
  return graph.taskOf(index).id;
}
