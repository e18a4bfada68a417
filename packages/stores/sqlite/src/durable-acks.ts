import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';

/** The bytes per run: a 64-bit count. */
const SLOT_SIZE = 8;

/**
 * The number of acknowledged events of each run, in a separate file. A count is written only after its
 * events are on the disk. SQLite treats a truncated log like an unfinished write and silently drops
 * the rest; these counts show that events are missing.
 */
export class DurableAcks {
  readonly #descriptor: number;
  readonly #slot = new DataView(new ArrayBuffer(SLOT_SIZE));

  constructor(file: string) {
    this.#descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** The highest number of a run with acknowledged events; 0 when there is none. */
  get lastRun(): number {
    return Math.max(0, Math.floor(fstatSync(this.#descriptor).size / SLOT_SIZE) - 1);
  }

  countOf(run: number): number {
    const length = readSync(this.#descriptor, this.#slot, 0, SLOT_SIZE, run * SLOT_SIZE);
    return length < SLOT_SIZE ? 0 : Number(this.#slot.getBigUint64(0));
  }

  setCount(run: number, events: number): void {
    this.#slot.setBigUint64(0, BigInt(events));
    writeSync(this.#descriptor, this.#slot, 0, SLOT_SIZE, run * SLOT_SIZE);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Removes all counts, for a new journal. */
  reset(): void {
    ftruncateSync(this.#descriptor);
  }
}
