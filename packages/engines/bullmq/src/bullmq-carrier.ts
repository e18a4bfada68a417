import type { AttemptCarrier } from '@stratagem/core/kernel';
import { QueueCarrier } from './carrier.js';
import { Engine } from './engine.js';
import { type BullmqCarrierOptions, carrierSettings } from './options.js';

/** A carrier whose attempts run on workers, wherever they are. */
export interface BullmqCarrier extends AttemptCarrier {
  /** Connects now. Rejects with a `RunnerError` when the server cannot be used, with a remedy. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Carries attempts to the workers that `serveAttempts()` starts, over BullMQ on PostgreSQL or Redis. The
 * journal of the run decides what has happened; the queue only speeds it up: what it loses is put back.
 *
 * Nothing connects before the first attempt, or `ready()`.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * const carrier = bullmqCarrier({ url });
 * const executor = createExecutor({ strategy: parallel(), carrier, journal: postgresJournal({ url }) });
 */
export function bullmqCarrier(options: BullmqCarrierOptions): BullmqCarrier {
  const settings = carrierSettings('bullmqCarrier()', options);
  return new QueueCarrier(new Engine(settings), settings);
}
