import type { RoundRecord, RunFold } from './run-fold.js';
import { idOf, spansOf } from './spans.js';
import type { Phase, TaskRecord } from './task-record.js';
import type { CriticalPath, PartKind, PathSegment, Span, SpanKind } from './types.js';

/** The part of the makespan that a span of a task on the path counts for. */
const PART_OF: Readonly<Record<SpanKind, PartKind>> = {
  dependency: 'scheduling',
  paused: 'paused',
  rate_limit: 'rate_limit',
  cap: 'free_slot',
  resource_cap: 'free_slot',
  places: 'free_slot',
  budget: 'budget',
  strategy: 'strategy',
  scheduling: 'scheduling',
  queue: 'queue',
  run: 'work',
  retried: 'retry',
  backoff: 'retry',
  person: 'person',
  children: 'scheduling',
  settled: 'scheduling',
};

/**
 * Walks back from the end of the run: through the life of the task that settled last, then that of the
 * dependency that ended its wait, and so on to the start. What no task explains is `scheduling`.
 *
 * @param endMs The end of the run, or of the analysis.
 */
export function criticalPathOf(fold: RunFold, endMs: number): CriticalPath {
  return new Walk(fold, endMs).path();
}

class Walk {
  readonly #fold: RunFold;
  readonly #endMs: number;
  /** Backwards in time. */
  readonly #segments: PathSegment[] = [];
  readonly #taskIds: string[] = [];
  /** Everything from here to the end is explained. */
  #at: number;

  constructor(fold: RunFold, endMs: number) {
    this.#fold = fold;
    this.#endMs = this.#at = endMs;
  }

  path(): CriticalPath {
    let record = lastOf(this.#fold.tasks, this.#fold);
    // Each task is left for an earlier one; re-run tasks may come twice.
    const most = 2 * this.#fold.tasks.length + 2 * this.#fold.rounds.length;
    for (let step = 0; record !== undefined && this.#at > 0 && step <= most; step++) {
      record = this.#follow(record);
    }
    this.#fill(0);
    const segments = this.#segments.reverse();
    return { segments, parts: partsOf(segments), taskIds: this.#taskIds.reverse() };
  }

  /** Takes the life of a task as far as it explains itself. @returns The task before it. */
  #follow(record: TaskRecord): TaskRecord | undefined {
    const fold = this.#fold;
    const spans = spansOf(fold, record, this.#endMs);
    this.#fill(spans.at(-1)?.endMs ?? record.bornMs);
    for (let position = spans.length - 1; position >= 0; position--) {
      const span = spans[position] as Span;
      if (span.startMs >= this.#at) continue;
      // A wait that had ended before is explained by its end.
      if (span.kind === 'dependency') return this.#blocker(record, span);
      if (span.kind === 'children') {
        const child = this.#lastChild(record);
        if (child !== undefined) return child;
      }
      this.#push(record, span);
    }
    return this.#origin(record);
  }

  #push(record: TaskRecord, span: Span): void {
    const { kind, startMs, attempt, resource } = span;
    const taskId = idOf(this.#fold, record.index);
    if (this.#taskIds.at(-1) !== taskId) this.#taskIds.push(taskId);
    this.#segments.push({
      part: PART_OF[kind],
      kind,
      startMs,
      endMs: this.#at,
      taskId,
      ...(attempt !== undefined && { attempt }),
      ...(resource !== undefined && { resource }),
    });
    this.#at = startMs;
  }

  /** The task whose end let this one begin. */
  #blocker(record: TaskRecord, { startMs, endMs, by }: Span): TaskRecord | undefined {
    const { graph, tasks } = this.#fold;
    if (by !== undefined && endMs <= this.#at) {
      return tasks[graph.indexOf(by) as number] as TaskRecord;
    }
    // It still waits, or waited at this time: for what had settled last, or has yet to.
    let found: TaskRecord | undefined;
    const consider = (index: number) => {
      const other = tasks[index] as TaskRecord;
      if (other.bornMs > this.#at || (other.endMs ?? 0) > this.#at) return;
      if (found === undefined || rank(other) > rank(found)) found = other;
    };
    for (let each: number | undefined = record.index; each !== undefined; ) {
      graph.eachDependency(each, consider);
      each = graph.hasFamilies ? graph.parentOf(each) : undefined;
    }
    if (found === undefined) this.#fill(startMs);
    return found;
  }

  /** The child of a group that ended last, or has yet to end. */
  #lastChild(record: TaskRecord): TaskRecord | undefined {
    const { graph, tasks } = this.#fold;
    let found: TaskRecord | undefined;
    graph.eachChild(record.index, (index) => {
      const child = tasks[index] as TaskRecord;
      if (child.bornMs >= this.#at || (child.endMs ?? 0) > this.#at) return;
      if (found === undefined || rank(child) > rank(found)) found = child;
    });
    return found;
  }

  /** Where a task comes from that was added while the plan ran. */
  #origin({ bornBy, bornIn }: TaskRecord): TaskRecord | undefined {
    const { rounds, tasks } = this.#fold;
    if (bornBy >= 0) return tasks[bornBy];
    const round = rounds[bornIn];
    if (round === undefined) return undefined;
    this.#fill(round.startMs);
    return tasks[round.after];
  }

  /** Time that is no part of any task: re-planning, a pause, or what is left. */
  #fill(fromMs: number): void {
    const { rounds } = this.#fold;
    for (let position = rounds.length - 1; position >= 0 && this.#at > fromMs; position--) {
      const { startMs, endMs = this.#endMs } = rounds[position] as RoundRecord;
      if (startMs >= this.#at || endMs <= fromMs) continue;
      this.#fillBetweenRounds(Math.max(endMs, fromMs));
      this.#pushRest('replan', Math.max(startMs, fromMs));
    }
    this.#fillBetweenRounds(fromMs);
  }

  #fillBetweenRounds(fromMs: number): void {
    if (fromMs >= this.#at) return;
    const causes: Span[] = [];
    this.#fold.blockers.split(fromMs, this.#at, undefined, causes);
    for (const { kind, startMs } of causes.reverse()) {
      this.#pushRest(kind === 'paused' ? 'paused' : 'scheduling', startMs);
    }
  }

  #pushRest(part: PartKind, startMs: number): void {
    // A round may end at once.
    if (startMs >= this.#at) return;
    const last = this.#segments.at(-1);
    if (last?.part === part && last.taskId === undefined && last.startMs === this.#at) {
      this.#segments[this.#segments.length - 1] = { ...last, startMs };
    } else this.#segments.push({ part, startMs, endMs: this.#at });
    this.#at = startMs;
  }
}

/** Orders tasks by how late they ended; what has not ended comes last. */
function rank({ endMs, settledAt, phases }: TaskRecord): number {
  if (endMs !== undefined) return settledAt;
  // What is under way is what others wait for; among that, what began first.
  const { kind, startMs } = phases.at(-1) as Phase;
  return (isUnderWay(kind) ? 3 : kind === 'blocked' ? 1 : 2) * 2 ** 48 - startMs;
}

function isUnderWay(kind: Phase['kind']): boolean {
  return kind === 'attempt' || kind === 'person' || kind === 'backoff';
}

/** The task that the path ends with: what is under way, or what settled last after work of its own. */
function lastOf(tasks: readonly TaskRecord[], { state }: RunFold): TaskRecord | undefined {
  let found: TaskRecord | undefined;
  const isOver = state.status !== 'created' && state.status !== 'running';
  const order = (record: TaskRecord): [number, number, number] => {
    const { endMs, attempts, phases, settledAt } = record;
    if (endMs === undefined) return [isOver ? -1 : Number.MAX_VALUE, 0, rank(record)];
    const worked = attempts !== undefined || phases.some(({ kind }) => kind === 'person');
    return [endMs, worked ? 1 : 0, settledAt];
  };
  let best: [number, number, number] = [-1, 0, 0];
  for (const record of tasks) {
    const here = order(record);
    const later = here[0] - best[0] || here[1] - best[1] || here[2] - best[2];
    if (found !== undefined && !(later > 0)) continue;
    found = record;
    best = here;
  }
  return found;
}

function partsOf(segments: readonly PathSegment[]): CriticalPath['parts'] {
  const sums = new Map<PartKind, number>();
  for (const { part, startMs, endMs } of segments) {
    sums.set(part, (sums.get(part) ?? 0) + (endMs - startMs));
  }
  return Array.from(sums, ([part, ms]) => ({ part, ms })).sort((a, b) => b.ms - a.ms);
}
