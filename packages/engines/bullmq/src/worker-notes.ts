import type { JobData } from './protocol.js';

/** How long messages about attempts that are not here are remembered: their jobs may be on their way. */
const NOTED_MS = 30_000;

export interface Cancellation {
  /** The channel of the coordinator. */
  readonly from: string;
  readonly at: number;
  /** Whether the end of the attempt is recorded. */
  readonly hasEnded: boolean;
}

/** What coordinators have said about attempts that may not have begun here. */
export class WorkerNotes {
  /** By key, the coordinators that have canceled attempts. Another one may want them again. */
  readonly #canceled = new Map<string, Cancellation>();
  /** Where to report about attempts that have not begun here: their jobs may name a dead coordinator. */
  readonly #addresses = new Map<string, { readonly to: string; readonly at: number }>();

  cancel(key: string, cancellation: Cancellation): void {
    this.#canceled.set(key, cancellation);
  }

  attach(key: string, to: string, at: number): void {
    this.#addresses.set(key, { to, at });
  }

  /** The channel of the coordinator of an attempt: one may have taken the run over since its job was added. */
  ownerOf(key: string, { to }: JobData): string {
    return this.#addresses.get(key)?.to ?? to;
  }

  /** Whether nobody wants an attempt any more, of those who could. */
  isUnwanted(key: string, data: JobData): boolean {
    const canceled = this.#canceled.get(key);
    if (data.hasEnded || canceled?.hasEnded) return true;
    return canceled?.from === this.ownerOf(key, data);
  }

  /** The attempt begins here: its outbox knows its coordinator. */
  begin(key: string): void {
    this.#addresses.delete(key);
  }

  forgetOld(now: number): void {
    for (const noted of [this.#canceled, this.#addresses]) {
      for (const [key, { at }] of noted) if (now - at > NOTED_MS) noted.delete(key);
    }
  }
}
