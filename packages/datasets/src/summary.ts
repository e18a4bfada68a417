import type { StratagemError, Usage } from '@stratagem/core';
import { addUsage } from '@stratagem/core/runner';
import { addLane, type Lane, type Lanes } from './lanes.js';
import type { MappedRow } from './mapped-row.js';

/** The figures of a whole map. */
export interface MapSummary {
  readonly mapId: string;
  /**
   * `completed`: every row has a result, failed ones included. `stopped`: somebody stopped it. `failed`:
   * `error` stopped it.
   */
  readonly status: 'completed' | 'stopped' | 'failed';
  readonly error?: StratagemError | undefined;
  /** Rows with a result. */
  readonly rows: number;
  readonly completed: number;
  readonly failed: number;
  /** Rows whose outputs all come from earlier runs. */
  readonly reused: number;
  /** Rows that an earlier map with the same id has done. What they have used counts, too. */
  readonly restored: number;
  /** Failed rows by the code of their error. */
  readonly failuresByCode: Readonly<Record<string, number>>;
  /** The tokens that the rows have used; undefined when none was reported. */
  readonly usage: Usage | undefined;
  /** In US dollars; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
  /** What went where: by the resource of the attempts, which is usually provider and model. */
  readonly lanes: Readonly<Record<string, Lane>>;
  /** Since the map began in this process, in milliseconds. */
  readonly durationMs: number;
  /** The ids of its runs in the journal. */
  readonly runIds: readonly string[];
}

/** Adds up the results of rows. */
export class Totals {
  rows = 0;
  failed = 0;
  reused = 0;
  usage: Usage | undefined;
  costUsd: number | null = 0;
  readonly failuresByCode: Record<string, number> = {};
  readonly #lanes = new Map<string, Lane>();

  addLanes(lanes: Lanes): void {
    for (const [name, lane] of lanes) addLane(this.#lanes, name, lane);
  }

  /** With those of runs that have not ended. */
  lanesWith(open: readonly Lanes[]): Record<string, Lane> {
    const all = new Map(this.#lanes);
    for (const lanes of open) for (const [name, lane] of lanes) addLane(all, name, lane);
    return Object.fromEntries(all);
  }

  add({ status, error, usage, costUsd, reused }: MappedRow<unknown>): void {
    this.rows++;
    if (reused) this.reused++;
    if (status === 'failed') {
      this.failed++;
      const code = error?.code ?? 'task_failed';
      this.failuresByCode[code] = (this.failuresByCode[code] ?? 0) + 1;
    }
    this.usage = addUsage(this.usage, usage);
    if (costUsd !== undefined && this.costUsd !== null) this.costUsd += costUsd;
    else if (usage !== undefined && costUsd === undefined) this.costUsd = null;
  }
}
