import type { RunEvent, TaskError, Usage } from '@stratagem/core';
import { addUsage } from '@stratagem/core/runner';
import { addLane, type Lane } from './lanes.js';
import { localIdOf, positionOf } from './row-plan.js';

/** Why a row failed. */
export interface RowError {
  /** The kind of the error, such as `invalid_output`. */
  readonly code: string;
  readonly message: string;
  /** The task of the plan that failed; left out where the row could not begin. */
  readonly taskId?: string | undefined;
}

/** The result of one row. */
export interface MappedRow<Outputs = Readonly<Record<string, unknown>>, Row = unknown> {
  /** Its number among the rows that were given, from 1; of a row of a file, its number there. */
  readonly row: number;
  readonly status: 'completed' | 'failed';
  /** The results of the plan by name; left out for a failed row. */
  readonly outputs?: Outputs | undefined;
  /** Left out for a completed row. */
  readonly error?: RowError | undefined;
  /** The tokens that all attempts at its tasks have used; undefined when none was reported. */
  readonly usage?: Usage | undefined;
  /** In US dollars; undefined when the price of some tokens is unknown, or nothing was used. */
  readonly costUsd?: number | undefined;
  /** Started attempts. */
  readonly attempts: number;
  /** From its first start to its end, in milliseconds, without the time in which nothing ran it. */
  readonly durationMs: number;
  /** All of its outputs come from earlier runs, at no cost. */
  readonly reused?: true | undefined;
  /** The row itself. */
  readonly input: Row;
}

/** What an attempt has used. */
interface Spent {
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
}

/** What has happened to one row so far. */
interface Progress {
  usage: Usage | undefined;
  costUsd: number | undefined;
  /** Tokens whose price is unknown were used. */
  isUnpriced: boolean;
  attempts: number;
  reuses: number;
  startedAt: number | undefined;
  /** The error of its first task that failed. */
  error: RowError | undefined;
  end: { readonly at: number; readonly outputs: unknown } | undefined;
  isFailed: boolean;
  /** It has ended in an earlier map. */
  isRestored: boolean;
}

/** Folds the events of one run into the results of its rows. */
export class RowFold {
  /** Rows in which something has started or ended. */
  begun = 0;
  ended = 0;
  /** Rows that have ended in an earlier map, and do not run again. */
  restored = 0;
  /** What was used where. */
  readonly lanes = new Map<string, Lane>();
  /** The resource of the first attempt: others name theirs if it is another one. */
  #firstResource: string | undefined;
  /** The resources of attempts in flight that name theirs. */
  readonly #resources = new Map<string, string>();
  readonly #rows: (Progress | undefined)[];

  constructor(count: number) {
    this.#rows = new Array(count).fill(undefined);
  }

  get size(): number {
    return this.#rows.length;
  }

  /** What the completed rows have taken. */
  figures<Figures>(figuresOf: (row: MappedRow) => Figures | readonly Figures[]): Figures[] {
    return this.#rows.flatMap((progress) => {
      if (progress?.end === undefined || progress.isFailed) return [];
      return figuresOf(resultFrom(progress, 0, undefined));
    });
  }

  /** Whether the row has ended. */
  hasEnded(position: number): boolean {
    return this.#rows[position]?.end !== undefined;
  }

  /** Rows that have no result yet, and failed ones where they are done again. */
  left(retryFailed: boolean): number {
    const failed = retryFailed ? this.#rows.filter((row) => row?.end && row.isFailed).length : 0;
    return this.size - this.ended + failed;
  }

  /** Takes the rows that have ended so far for those of an earlier map. */
  markRestored(): void {
    this.restored = this.ended;
    for (const row of this.#rows) if (row?.end !== undefined) row.isRestored = true;
  }

  isRestored(position: number): boolean {
    return this.#rows[position]?.isRestored ?? false;
  }

  /** @returns Whether a row has begun or ended with this event. */
  apply(event: RunEvent): boolean {
    if (event.type === 'run_resumed') {
      this.#skipDowntime(event.downtimeMs);
      for (const { taskId, was } of event.retried ?? []) {
        if (was !== 'completed') this.#again(taskId, event.timestamp);
      }
      return true;
    }
    if (!('taskId' in event) || event.taskId === undefined || event.type === 'tasks_added') {
      return false;
    }
    const position = positionOf(event.taskId);
    if (position === undefined || position >= this.#rows.length) return false;
    const { begun, ended } = this;
    this.#applyTo(this.#rowAt(position), event, localIdOf(event.taskId));
    return begun !== this.begun || ended !== this.ended;
  }

  /** The result of a row that has ended. */
  resultOf<Outputs, Row>(position: number, row: number, input: Row): MappedRow<Outputs, Row> {
    const progress = this.#rows[position] as Progress;
    // Its outputs are not needed any more.
    this.#rows[position] = { ...progress, end: { at: 0, outputs: undefined } };
    return resultFrom(progress, row, input);
  }

  #rowAt(position: number): Progress {
    let row = this.#rows[position];
    if (row === undefined) {
      row = {
        ...{ usage: undefined, costUsd: undefined, isUnpriced: false, attempts: 0, reuses: 0 },
        ...{ startedAt: undefined, error: undefined, end: undefined, isFailed: false },
        isRestored: false,
      };
      this.#rows[position] = row;
      this.begun++;
    }
    return row;
  }

  #applyTo(row: Progress, event: RunEvent, localId: string | undefined): void {
    switch (event.type) {
      case 'task_started':
        row.attempts++;
        row.startedAt ??= event.timestamp;
        if (event.resource !== undefined) {
          this.#firstResource ??= event.resource;
          this.#resources.set(event.taskId, event.resource);
        }
        break;
      case 'task_completed':
        this.#spend(row, event.taskId, event);
        if (event.reused !== undefined) row.reuses++;
        if (localId === undefined) this.#end(row, event.timestamp, event.output, false);
        break;
      case 'task_retrying':
        this.#spend(row, event.taskId, event.error);
        break;
      case 'task_failed':
        if (localId !== undefined) {
          this.#spend(row, event.taskId, event.error);
          // Groups fail because of their tasks.
          if (event.error.code !== 'subtasks_failed') row.error ??= errorOf(event.error, localId);
        } else {
          row.error ??= errorOf(event.error, undefined);
          this.#end(row, event.timestamp, undefined, true);
        }
        break;
      case 'task_canceled':
      case 'task_skipped':
        if (event.type === 'task_canceled' && event.error !== undefined) {
          row.error ??= errorOf(event.error, localId);
        }
        break;
    }
  }

  #spend(row: Progress, taskId: string, { usage, costUsd }: Spent): void {
    const resource = this.#resources.get(taskId) ?? this.#firstResource ?? 'unknown';
    this.#resources.delete(taskId);
    if (usage === undefined && costUsd === undefined) return;
    addLane(this.lanes, resource, { requests: 1, costUsd: costUsd ?? null });
    spend(row, usage, costUsd);
  }

  #end(row: Progress, at: number, outputs: unknown, isFailed: boolean): void {
    if (row.end === undefined) this.ended++;
    row.end = { at, outputs };
    row.isFailed = isFailed;
  }

  /** No row ran while the process was down, so the times of all of them are as if it had not been. */
  #skipDowntime(downtimeMs: number): void {
    for (const row of this.#rows) {
      if (row?.startedAt !== undefined) row.startedAt += downtimeMs;
      if (row?.end !== undefined) row.end = { ...row.end, at: row.end.at + downtimeMs };
    }
  }

  /** @param now The row did not run from its end until then. */
  #again(taskId: string, now: number): void {
    const position = positionOf(taskId);
    const row = position === undefined ? undefined : this.#rows[position];
    if (row === undefined || !row.isFailed) return;
    if (row.end !== undefined) {
      this.ended--;
      if (row.startedAt !== undefined) row.startedAt += now - row.end.at;
    }
    row.end = undefined;
    row.error = undefined;
    row.isFailed = false;
  }
}

function resultFrom<Outputs, Row>(
  progress: Progress,
  row: number,
  input: Row,
): MappedRow<Outputs, Row> {
  const { usage, costUsd, isUnpriced, attempts, reuses, startedAt, error, isFailed } = progress;
  const { at, outputs } = progress.end as NonNullable<Progress['end']>;
  const result: MappedRow<Outputs, Row> = {
    row,
    status: isFailed ? 'failed' : 'completed',
    ...(!isFailed && { outputs: outputs as Outputs }),
    ...(isFailed && { error: error ?? UNKNOWN }),
    ...(usage !== undefined && { usage }),
    ...(costUsd !== undefined && !isUnpriced && { costUsd }),
    attempts,
    durationMs: startedAt === undefined ? 0 : Math.max(0, at - startedAt),
    ...(reuses > 0 && reuses === attempts && { reused: true as const }),
    input,
  };
  if (startedAt !== undefined) STARTS.set(result, startedAt);
  return result;
}

/** When rows began: no part of what is written about them. */
const STARTS = new WeakMap<object, number>();

/**
 * When the row began, as Unix time in milliseconds without later downtimes of its run; undefined when nothing of it
 * has run.
 */
export function startOf(row: MappedRow<unknown>): number | undefined {
  return STARTS.get(row);
}

const UNKNOWN: RowError = { code: 'task_failed', message: 'the row did not complete' };

function spend(row: Progress, usage: Usage | undefined, costUsd: number | undefined): void {
  row.usage = addUsage(row.usage, usage);
  if (costUsd !== undefined) row.costUsd = (row.costUsd ?? 0) + costUsd;
  else if (usage !== undefined) row.isUnpriced = true;
}

function errorOf({ code, message, taskId }: TaskError, localId: string | undefined): RowError {
  const shown = localId === undefined ? message : message.replaceAll(`"${taskId}"`, `"${localId}"`);
  const own = shown
    .replace(/^Task "row\[\d+\]" failed: /, '')
    .replace(
      /^its "with" does not fit the inputs of its plan: /,
      'the row does not fit the inputs of the plan: ',
    );
  return { code, message: own, ...(localId !== undefined && { taskId: localId }) };
}
