import { StratagemError } from '../contract/errors.js';
import type { Acknowledged } from './input.js';

/** Tells callers when their inputs count: once the run has taken them and, with a journal, durably. */
export class Acknowledgements {
  readonly #isJournalled: boolean;
  /** Inputs that have been applied and are not durable yet. */
  readonly #pending: Acknowledged[] = [];

  constructor(isJournalled: boolean) {
    this.#isJournalled = isJournalled;
  }

  /** Whether callers wait for inputs that have been applied. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** The run takes an input, and tells whether it counts. */
  request(take: (acknowledge: Acknowledged['acknowledge']) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      take((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }

  /** An input was applied, or refused because it came too late. */
  settle(input: Acknowledged, refusal: StratagemError | undefined): void {
    if (refusal !== undefined) input.acknowledge(refusal);
    else if (this.#isJournalled) this.#pending.push(input);
    else input.acknowledge();
  }

  /** The applied inputs are durable, or the journal failed. */
  flush(failure?: StratagemError): void {
    for (const { acknowledge } of this.#pending.splice(0)) acknowledge(failure);
  }
}

/** Why an input has no effect any more. */
export function runEnded(): StratagemError {
  return new StratagemError('run_ended', 'the run has ended: it cannot be changed any more');
}
