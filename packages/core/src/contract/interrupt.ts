import { checkDuration, checkFlag, checkOptions } from './check-options.js';
import { OptionError } from './errors.js';

/** How a process ends its part in a run. */
export interface InterruptOptions {
  /**
   * Whether attempts in flight finish first; nothing new starts. Otherwise they are aborted, and start
   * again as the same attempts when the run is resumed.
   * @default false
   */
  readonly drain?: boolean | undefined;
  /**
   * How long `drain` waits, in milliseconds; then attempts that are still in flight are aborted.
   * @default no limit
   */
  readonly timeoutMs?: number | undefined;
}

/** @throws {OptionError} when an option is invalid. */
export function checkInterrupt(options: InterruptOptions): void {
  checkOptions('interrupt()', options, ['drain', 'timeoutMs']);
  const { drain, timeoutMs } = options;
  if (drain !== undefined) checkFlag('interrupt()', 'drain', drain);
  if (timeoutMs === undefined) return;
  checkDuration('interrupt()', 'timeoutMs', timeoutMs);
  if (drain !== true) throw new OptionError('interrupt(): timeoutMs has no effect without drain');
}

/** An attempt whose work did not end after it was aborted. */
export interface AbandonedAttempt {
  readonly runId: string;
  readonly taskId: string;
  readonly attempt: number;
  /** The milliseconds since it was aborted. */
  readonly abortedMs: number;
}
