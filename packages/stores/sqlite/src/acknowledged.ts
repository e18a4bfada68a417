import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';

const SLOT = 8;

/**
 * How many events of each run have been acknowledged, in a file of its own: eight bytes a run,
 * written when the events are on the disk and never before. SQLite takes a log that was cut short
 * for one whose end was never written and silently goes back to what is whole; by this it is seen
 * that there has been more.
 */
export class Acknowledged {
  readonly #descriptor: number;
  readonly #slot = new DataView(new ArrayBuffer(SLOT));

  constructor(file: string) {
    this.#descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** The highest number of a run of which something was acknowledged; 0 for none. */
  get lastRun(): number {
    return Math.max(0, Math.floor(fstatSync(this.#descriptor).size / SLOT) - 1);
  }

  of(run: number): number {
    const length = readSync(this.#descriptor, this.#slot, 0, SLOT, run * SLOT);
    return length < SLOT ? 0 : Number(this.#slot.getBigUint64(0));
  }

  set(run: number, events: number): void {
    this.#slot.setBigUint64(0, BigInt(events));
    writeSync(this.#descriptor, this.#slot, 0, SLOT, run * SLOT);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** For a journal that is begun anew. */
  reset(): void {
    ftruncateSync(this.#descriptor);
  }
}
