import type { PartKind, RunAnalysis, SpanKind, TaskState } from '@stratagem/core/analysis';

/** A part of the makespan in at most ten letters. */
export const PART_LABELS: Readonly<Record<PartKind, string>> = {
  work: 'ran',
  free_slot: 'free slot',
  rate_limit: 'rate limit',
  retry: 'retries',
  person: 'person',
  paused: 'paused',
  budget: 'budget',
  strategy: 'strategy',
  queue: 'queue',
  replan: 'replanning',
  scheduling: 'other',
};

/** A part of the makespan in words. */
export const PART_WORDS: Readonly<Record<PartKind, string>> = {
  work: 'model and tools',
  free_slot: 'waiting for a free slot',
  rate_limit: 'rate-limit pause',
  retry: 'failed attempts and backoff',
  person: 'waiting for a person',
  paused: 'run paused',
  budget: 'waiting for the budget',
  strategy: 'held back by the strategy',
  queue: 'waiting for a worker',
  replan: 'replanning',
  scheduling: 'scheduling',
};

/** A stretch of a task's life in words. */
export const SPAN_WORDS: Readonly<Record<SpanKind, string>> = {
  dependency: 'waited for dependencies',
  paused: 'waited: the run was paused',
  rate_limit: 'rate-limit pause',
  cap: 'waited for a free slot',
  resource_cap: 'waited for a free slot',
  places: 'waited for a free slot',
  budget: 'waited for the budget',
  strategy: 'held back by the strategy',
  scheduling: 'scheduling',
  queue: 'waited for a worker',
  run: 'ran',
  retried: 'failed attempt',
  backoff: 'delay before the next attempt',
  person: 'waited for a person',
  children: 'its tasks ran',
  settled: 'had ended, before it was re-run',
};

/** Glyph and colour by status; the glyph alone suffices without colours. */
export const STATES: Readonly<
  Record<TaskState, readonly ['green' | 'red' | 'cyan' | 'yellow' | 'magenta' | 'dim', string]>
> = {
  completed: ['green', '✓'],
  failed: ['red', '✗'],
  running: ['cyan', '◔'],
  retrying: ['yellow', '↻'],
  waiting: ['magenta', '◆'],
  skipped: ['yellow', '–'],
  canceled: ['yellow', '⊘'],
  pending: ['dim', '○'],
  ready: ['dim', '○'],
  open: ['cyan', '◔'],
};

/** `500 server error: the model is overloaded` */
export function causeText({
  code,
  status,
  message,
}: Pick<RunAnalysis['failures'][number], 'code' | 'status' | 'message'>): string {
  const words = code.replaceAll('_', ' ');
  // The code of an error that the library does not know says nothing.
  if (code === 'task_failed' && status === undefined) return message;
  const number = status === undefined ? '' : `${status} `;
  // Providers name themselves and the status, which the heading says already.
  const text = message.replace(/^[\w./:@-]+: (?=\d{3} )/, '').replace(number, '');
  if (text === '' || text === code) return `${number}${words}`;
  const isSaid = text.toLowerCase().replaceAll('_', ' ').startsWith(words);
  return isSaid ? `${number}${text}` : `${number}${words}: ${text}`;
}
