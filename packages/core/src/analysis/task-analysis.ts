import type { CancelReason, SkipReason, TaskCompleted, TaskSkipped } from '../contract/event.js';
import type { LoopResult } from '../contract/repeat.js';
import type { TaskStatus } from '../contract/status.js';
import type { Task } from '../contract/task.js';
import { addUsage, type Usage } from '../contract/usage.js';
import { TaskKind } from '../graph/task-kind.js';
import { shortMessage } from './failure-groups.js';
import type { RunFold } from './run-fold.js';
import { idOf, spansOf } from './spans.js';
import type { AttemptRecord, Phase, PhaseKind, TaskRecord } from './task-record.js';
import type { AttemptAnalysis, Span, SpanKind, TaskAnalysis, TaskState } from './types.js';

/** What a task that has not settled is doing, by its phase. */
const STATE_OF: Readonly<Record<PhaseKind, TaskState>> = {
  blocked: 'pending',
  ready: 'ready',
  attempt: 'running',
  backoff: 'retrying',
  person: 'waiting',
  children: 'open',
  settled: 'pending',
};

/** Spans in which a task ran. */
const RAN: readonly SpanKind[] = ['run', 'retried', 'person', 'children'];
/** Spans in which it did not wait while it was ready. */
const NO_WAIT: readonly SpanKind[] = [...RAN, 'dependency', 'settled'];

/** Computes what takes time when it is first read: a run may have a million tasks. */
export class LazyTaskAnalysis implements TaskAnalysis {
  readonly index: number;
  readonly isCritical: boolean;
  readonly #fold: RunFold;
  readonly #record: TaskRecord;
  readonly #untilMs: number;
  #spans: readonly Span[] | undefined;
  #attempts: readonly AttemptAnalysis[] | undefined;

  constructor(fold: RunFold, record: TaskRecord, untilMs: number, isCritical: boolean) {
    this.index = record.index;
    this.isCritical = isCritical;
    this.#fold = fold;
    this.#record = record;
    this.#untilMs = untilMs;
  }

  get id(): string {
    return idOf(this.#fold, this.index);
  }

  get task(): Task {
    return this.#fold.graph.taskOf(this.index);
  }

  get level(): number {
    return this.#fold.graph.levelOf(this.index);
  }

  get kind(): TaskAnalysis['kind'] {
    const kind = this.#fold.graph.kindOf(this.index);
    if ((kind & TaskKind.forEach) !== 0) return 'fan_out';
    if ((kind & TaskKind.repeat) !== 0) return 'loop';
    if ((kind & TaskKind.subtasks) !== 0) return 'group';
    return (kind & TaskKind.waitFor) !== 0 ? 'person' : 'task';
  }

  get parent(): string | undefined {
    const parent = this.#fold.graph.parentOf(this.index);
    return parent === undefined ? undefined : idOf(this.#fold, parent);
  }

  get status(): TaskStatus {
    return this.#fold.state.statusOf(this.index);
  }

  get state(): TaskState {
    if (this.#record.endMs !== undefined) return this.status;
    return stateOf(this.#record);
  }

  get bornMs(): number {
    return this.#record.bornMs;
  }

  get readyMs(): number | undefined {
    return this.#record.phases.find(({ kind }) => kind !== 'blocked')?.startMs;
  }

  get startMs(): number | undefined {
    return this.#record.phases.find(({ kind }) => kind === 'attempt' || kind === 'person')?.startMs;
  }

  get endMs(): number | undefined {
    return this.#record.endMs;
  }

  get spans(): readonly Span[] {
    this.#spans ??= spansOf(this.#fold, this.#record, this.#untilMs);
    return this.#spans;
  }

  get ranMs(): number {
    return sumOf(this.spans, (kind) => RAN.includes(kind));
  }

  get waitedMs(): number {
    return sumOf(this.spans, (kind) => !NO_WAIT.includes(kind));
  }

  get attempts(): readonly AttemptAnalysis[] {
    this.#attempts ??= (this.#record.attempts ?? []).map(attemptOf);
    return this.#attempts;
  }

  get reason(): SkipReason | CancelReason | undefined {
    return this.#fold.state.reasonOf(this.index);
  }

  get failedTaskId(): string | undefined {
    if (this.status !== 'skipped') return undefined;
    const { state } = this.#fold;
    return (state.log.objectAt(this.#record.settledAt) as TaskSkipped).failedTaskId;
  }

  get reusedFrom(): string | undefined {
    if (this.status !== 'completed') return undefined;
    const { state } = this.#fold;
    // The log keeps most completions as numbers, without an object.
    const completion = state.log.objectAt(this.#record.settledAt) as TaskCompleted | undefined;
    return completion?.reused?.runId;
  }

  get loop(): LoopResult | undefined {
    return this.#fold.state.loopOf(this.index);
  }

  get usage(): Usage | undefined {
    let usage: Usage | undefined;
    for (const attempt of this.#record.attempts ?? []) usage = addUsage(usage, attempt.usage);
    return usage;
  }

  get costUsd(): number | null {
    let sum = 0;
    for (const { usage, costUsd } of this.#record.attempts ?? []) {
      if (costUsd === undefined && usage !== undefined) return null;
      sum += costUsd ?? 0;
    }
    return sum;
  }

  toJSON(): Record<string, unknown> {
    const { id, index, level, kind, parent, status, state, bornMs, readyMs, startMs, endMs } = this;
    const { ranMs, waitedMs, spans, attempts, isCritical, reason, failedTaskId } = this;
    const { reusedFrom, loop, usage, costUsd } = this;
    return {
      ...{ id, index, level, kind, parent, status, state, bornMs, readyMs, startMs, endMs },
      ...{
        ranMs,
        waitedMs,
        spans,
        attempts,
        isCritical,
        reason,
        failedTaskId,
        reusedFrom,
        loop,
        usage,
        costUsd,
      },
    };
  }
}

/** What a task that has not settled is doing. */
export function stateOf({ phases }: TaskRecord): TaskState {
  return STATE_OF[(phases.at(-1) as Phase).kind];
}

/** How long a task has worked, without the waits in between. */
export function workOf({ phases, endMs }: TaskRecord, untilMs: number): number {
  let sum = 0;
  for (const [position, { kind, startMs, attempt }] of phases.entries()) {
    if (kind !== 'attempt' && kind !== 'person') continue;
    const end = phases[position + 1]?.startMs ?? endMs ?? untilMs;
    sum += end - Math.max(startMs, attempt?.beginMs ?? startMs);
  }
  return sum;
}

function sumOf(spans: readonly Span[], counts: (kind: SpanKind) => boolean): number {
  let sum = 0;
  for (const { kind, startMs, endMs } of spans) if (counts(kind)) sum += endMs - startMs;
  return sum;
}

function attemptOf(record: AttemptRecord): AttemptAnalysis {
  const { attempt, startMs, beginMs, endMs, outcome, error, usage, costUsd } = record;
  const { model, requestId, firstOutputMs, letters, words, tools = [] } = record;
  return {
    attempt,
    startMs,
    beginMs,
    endMs,
    outcome,
    ...(error !== undefined && { code: error.code, message: shortMessage(error) }),
    ...(error?.status !== undefined && { status: error.status }),
    ...(usage !== undefined && { usage }),
    ...(costUsd !== undefined && { costUsd }),
    ...(model !== undefined && { model }),
    ...(requestId !== undefined && { requestId }),
    ...(firstOutputMs !== undefined && { firstOutputMs }),
    streamedLetters: letters,
    streamedWords: words,
    tools: [...tools],
  };
}
