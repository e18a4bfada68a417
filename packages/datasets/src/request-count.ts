import { type Executor, type InputValues, memoryJournal, type Plan } from '@stratagem/core';
import type { MapOptions } from './options.js';
import { PartialCount } from './partial-count.js';
import type { RecordedGroups } from './recorded-groups.js';
import { positionOf } from './row-plan.js';
import type { RowGroup } from './segment-source.js';

/** The run that a group of rows has. */
export interface GroupRun {
  readonly plan: Plan;
  readonly values: InputValues;
}

interface Parts<Row> {
  readonly options: MapOptions<InputValues, Row>;
  readonly executor: Executor;
  readonly recorded: RecordedGroups;
  readonly runOf: (group: RowGroup<Row>) => GroupRun;
}

/** Counts the rows that will send requests: the others have answers in the journal, or in a cache. */
export class RequestCount<Row> {
  readonly #parts: Parts<Row>;
  /** Whether a runner may answer without a request. */
  readonly #hasCache: boolean;

  constructor(parts: Parts<Row>) {
    this.#parts = parts;
    const { runner, runners = {} } = parts.options;
    const all = [runner, ...Object.values(runners)];
    this.#hasCache = all.some((each) => typeof each === 'object' && each.cached !== undefined);
  }

  /**
   * In groups from this number on. Of many groups, some are looked at, and the others are taken to be like them.
   */
  async from(number: number, groups: AsyncIterable<RowGroup<Row>>): Promise<number> {
    const { options, recorded } = this.#parts;
    const { journal } = options;
    const hasRecords = journal !== undefined && (await journal.list()).length > 0;
    const mayBeFree = hasRecords || this.#hasCache;
    // Rows are mostly added at the end, so groups without a record are looked at for themselves.
    const [known, others] = [new PartialCount(), new PartialCount()];
    let position = number;
    for await (const group of groups) {
      const size = group.rows.length;
      const count = recorded.runIdOf(position) === undefined ? others : known;
      await count.add(size, () => (mayBeFree ? this.#ofGroup(position, group) : size));
      position++;
    }
    return Math.round(known.total + others.total);
  }

  async #ofGroup(number: number, group: RowGroup<Row>): Promise<number> {
    const { options, recorded, runOf } = this.#parts;
    const run = runOf(group);
    const history = await recorded.historyOf(number, run);
    if (history?.isSame && history.isSamePlan)
      return history.fold.left(options.retryFailed ?? false);
    return this.of(run, group.rows.length);
  }

  /** In a new run with so many rows. */
  async of({ plan, values }: GroupRun, size: number): Promise<number> {
    const { executor, options } = this.#parts;
    const { journal, reuse = journal !== undefined } = options;
    if (!reuse && !this.#hasCache) return size;
    const from = reuse ? journal : memoryJournal();
    const forecasts = await executor.explain(plan, { inputs: values, journal: from });
    const rows = forecasts.flatMap(({ taskId, runs }) => (runs ? (positionOf(taskId) ?? []) : []));
    return new Set(rows).size;
  }
}
