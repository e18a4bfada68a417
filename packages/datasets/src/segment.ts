import type { PlanResult, RunEvent, RunHandle } from '@stratagem/core';
import type { MappedRow, RowFold } from './mapped-row.js';
import type { RowGroup } from './segment-source.js';

/** One run of a map: its rows, and their results in order. */
export class Segment<Outputs, Row> {
  readonly runId: string;
  readonly fold: RowFold;
  /** How its run ended; undefined until then. */
  result: PlanResult | undefined;
  /** Rows that were given out, and had ended in an earlier map. */
  restoredGiven = 0;
  readonly #group: RowGroup<Row>;
  readonly #onProgress: () => void;
  /** Nothing runs: all results are recorded. */
  #isWhole = false;
  #handle: RunHandle | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** The next row to give out. */
  #position = 0;
  /** Results of a recorded run count once it is clear which of its rows run again. */
  #isLive = false;
  #wake: (() => void) | undefined;

  constructor(runId: string, group: RowGroup<Row>, fold: RowFold, onProgress: () => void) {
    this.runId = runId;
    this.#group = group;
    this.fold = fold;
    this.#onProgress = onProgress;
  }

  /** The results of a recorded run, of which nothing is left to do. */
  static restored<Outputs, Row>(
    runId: string,
    group: RowGroup<Row>,
    fold: RowFold,
    onProgress: () => void,
  ): Segment<Outputs, Row> {
    const segment = new Segment<Outputs, Row>(runId, group, fold, onProgress);
    segment.#isWhole = true;
    segment.#begin();
    return segment;
  }

  get size(): number {
    return this.#group.rows.length;
  }

  /** Rows in which nothing has started yet. */
  get unbegun(): number {
    return this.isOver ? 0 : this.size - this.fold.begun;
  }

  /** Whether all of its rows had ended in an earlier map, and none runs again. */
  get isRestored(): boolean {
    return this.fold.restored === this.size;
  }

  /** Whether its run has ended. */
  get isOver(): boolean {
    return this.#isWhole || this.result !== undefined || this.#failure !== undefined;
  }

  /** Follows a run until it ends. */
  follow(handle: RunHandle): void {
    this.#handle = handle;
    handle.result.then(
      (result) =>
        this.#end(() => {
          this.result = result;
        }),
      (error: unknown) =>
        this.#end(() => {
          this.#failure = { error };
        }),
    );
  }

  onEvent(event: RunEvent): void {
    const isNews = this.fold.apply(event) || !this.#isLive;
    this.#begin();
    if (isNews) this.#tell();
  }

  /**
   * The next result in the order of the rows; undefined when there are no more.
   *
   * Rejects with the error of a run that could not be opened.
   */
  async next(): Promise<MappedRow<Outputs, Row> | undefined> {
    for (;;) {
      const position = this.#position;
      if (position < this.size && this.#isLive && this.fold.hasEnded(position)) {
        this.#position++;
        if (this.fold.isRestored(position)) this.restoredGiven++;
        const { rows, numbers } = this.#group;
        const [row, input] = [numbers[position] as number, rows[position] as Row];
        return this.fold.resultOf(position, row, input);
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when its run has begun or ended: with the error if it could not be opened. */
  async opened(): Promise<unknown> {
    if (!this.#isLive) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#failure?.error;
  }

  /** Whether every row has ended. */
  get isComplete(): boolean {
    return this.fold.ended === this.size;
  }

  /** Ends its run: one with a journal can be resumed. */
  async stop(hasJournal: boolean, reason: unknown): Promise<void> {
    if (this.#handle === undefined || this.isOver) return;
    if (hasJournal) await this.#handle.interrupt().catch(() => {});
    else {
      this.#handle.cancel(reason);
      await this.#handle.result.catch(() => {});
    }
  }

  #begin(): void {
    if (!this.#isLive) this.fold.markRestored();
    this.#isLive = true;
  }

  #end(take: () => void): void {
    take();
    this.#begin();
    this.#tell();
  }

  #tell(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#onProgress();
  }
}
