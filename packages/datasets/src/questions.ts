import {
  type ForecastOptions,
  figuresOf,
  forecastOf,
  isFree,
  type RowFigures,
} from './forecast.js';
import type { MappedRow } from './mapped-row.js';
import type { MapOptions, MapQuestion } from './options.js';

/** Done rows that a forecast is made from. */
const MAX_FIGURES = 1_000;

/** Asks whether a map goes on, with a forecast of what is left. */
export class Questions {
  readonly #options: Pick<MapOptions, 'confirm' | 'total'>;
  readonly #length: number | undefined;
  readonly #concurrency: ForecastOptions;
  readonly #figures: RowFigures[] = [];
  #done = 0;
  /** The run of the latest result. */
  #runId: string | undefined;
  #lastEnd: number | undefined;
  /** What is added to the times of its rows. */
  #shiftMs = 0;

  /** @param length How many rows there are, if that is known. */
  constructor(
    options: Pick<MapOptions, 'confirm' | 'total'>,
    length: number | undefined,
    concurrency: ForecastOptions,
  ) {
    this.#options = options;
    this.#length = length;
    this.#concurrency = concurrency;
  }

  /** Learns from a result. What a row without requests would have cost is unknown. */
  record(row: MappedRow<unknown>, runId: string): void {
    this.#done++;
    if (isFree(row) || this.#figures.length >= MAX_FIGURES) return;
    this.#figures.push(this.#inOneTime(figuresOf(row), runId));
  }

  /** An earlier map may have done the runs before: then they count as if this one had followed at once. */
  #inOneTime(figures: RowFigures, runId: string): RowFigures {
    const { startedAt, durationMs } = figures;
    if (startedAt === undefined) return figures;
    if (this.#runId !== runId && this.#lastEnd !== undefined) {
      this.#shiftMs = this.#lastEnd - startedAt;
    }
    this.#runId = runId;
    const shifted = startedAt + this.#shiftMs;
    this.#lastEnd = Math.max(this.#lastEnd ?? shifted, shifted + durationMs);
    return { ...figures, startedAt: shifted };
  }

  /**
   * @param left Counts the rows that would send requests; undefined where the rows can be read once alone.
   * @param figures What the forecast is made from.
   * @param share The share of the rows that is left to do, where they cannot be counted.
   */
  async ask(
    kind: MapQuestion['kind'],
    left: () => Promise<number | undefined>,
    figures: readonly RowFigures[] = this.#figures,
    share = 1,
  ): Promise<boolean> {
    const { confirm } = this.#options;
    if (confirm === undefined) return true;
    const counted = await left();
    // What is recorded already needs no answer.
    if (counted === 0) return true;
    const rowsLeft = counted ?? (await this.#rest(share));
    const forecast = forecastOf(figures, rowsLeft ?? 1_000, this.#concurrency);
    return confirm({ kind, rowsLeft, forecast });
  }

  async #rest(share: number): Promise<number | undefined> {
    const { total = this.#length } = this.#options;
    const all = typeof total === 'function' ? await total() : total;
    // A file may have become shorter since; and of rows that are done again, there is at least one.
    const rest = all === undefined ? undefined : Math.max(0, all - this.#done);
    return rest && Math.max(1, Math.round(rest * share));
  }
}
