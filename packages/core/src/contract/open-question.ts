import type { WaitKind } from './wait-for.js';

/** A human step that waits for `answer`, `approve` or `reject`. */
export interface OpenQuestion {
  readonly taskId: string;
  readonly question: string;
  readonly kind: WaitKind;
  /** When it was asked, as Unix time in milliseconds. */
  readonly since: number;
  /** How long it waits, without the time in which no process ran the run; undefined without a limit. */
  readonly timeoutMs?: number | undefined;
}
