import { OptionError, StratagemError } from '../contract/errors.js';
import { checkInterrupt, type InterruptOptions } from '../contract/interrupt.js';
import { MAX_TIMER_MS } from '../util/timer.js';

/** How one process ends its part in a run: at once, or when its attempts in flight have ended. */
export class Interruption {
  readonly #runId: string;
  readonly #isJournalled: boolean;
  /** Set once it has begun; true while attempts in flight may finish. */
  #isDraining: boolean | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(runId: string, isJournalled: boolean) {
    this.#runId = runId;
    this.#isJournalled = isJournalled;
  }

  /** @throws {OptionError} when an option is invalid, or the run could not be resumed. */
  check(options: InterruptOptions): void {
    checkInterrupt(options);
    if (this.#isJournalled) return;
    const message =
      'interrupt() needs a journal from which the run can be resumed; without one, use cancel()';
    throw new OptionError(message);
  }

  /** Attempts in flight get so long to end. */
  endAfter(timeoutMs: number, end: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(end, Math.min(timeoutMs, MAX_TIMER_MS));
  }

  /** It begins. The first end at once counts, whatever is asked for later. */
  begin(isDraining: boolean): void {
    this.#isDraining = isDraining && this.#isDraining !== false;
  }

  get hasBegun(): boolean {
    return this.#isDraining !== undefined;
  }

  /**
   * Whether nothing keeps this process from ending its part in the run.
   *
   * @param inFlight The number of attempts in flight.
   */
  isDue(inFlight: number): boolean {
    if (this.#isDraining === undefined) return false;
    return !this.#isDraining || inFlight === 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  error(): StratagemError {
    const message = `The run was interrupted in this process; resume it by its id "${this.#runId}"`;
    return new StratagemError('run_interrupted', message);
  }
}
