import { randomUUID } from 'node:crypto';
import { type InterruptOptions, OptionError } from '@stratagem/core';
import { checkDuration, checkFlag, checkOptions } from '@stratagem/core/journal';
import { AttemptServer } from './attempt-server.js';
import { Engine } from './engine.js';
import { type ServeAttemptsOptions, workerSettings } from './options.js';

/** Carries out attempts in this process until it is stopped. */
export interface AttemptWorker {
  /** The idempotency keys of the attempts under way. */
  readonly running: readonly string[];
  /**
   * Takes no more attempts, and gives back those under way: other workers begin them again at once. With
   * `drain`, they may end first, for at most `timeoutMs`.
   *
   * @throws {OptionError} when an option is invalid.
   */
  stop(options?: InterruptOptions): Promise<void>;
}

/**
 * Begins to carry out attempts of a queue in this process, for runs whose coordinators have a
 * `bullmqCarrier()` with the same `url` and `queue`. Any number of workers may share a queue.
 *
 * Tasks with functions run by name: this worker needs their plans among `plans`, found by their goal.
 *
 * Rejects with a `RunnerError` when the server cannot be used. On PostgreSQL also when the clock of this machine
 * differs from that of the server by more than a quarter of `lockMs`.
 *
 * @throws {OptionError} when an option is unknown, missing or out of range.
 *
 * @example
 * const worker = await serveAttempts({ url, runner: openai(), plans: [nightly], concurrency: 32 });
 * process.once('SIGTERM', () => worker.stop({ drain: true, timeoutMs: 20_000 }));
 */
export async function serveAttempts(options: ServeAttemptsOptions): Promise<AttemptWorker> {
  const settings = workerSettings('serveAttempts()', options);
  const engine = new Engine(settings);
  try {
    await engine.ready();
    await engine.requireClock(settings.lockMs);
    const server = new AttemptServer(engine, settings, `worker ${randomUUID()}`);
    await server.start();
    return {
      get running() {
        return server.running;
      },
      async stop(given = {}) {
        checkStop(given);
        return server.stop(given);
      },
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function checkStop(options: InterruptOptions): void {
  checkOptions('stop()', options, ['drain', 'timeoutMs']);
  const { drain, timeoutMs } = options;
  if (drain !== undefined) checkFlag('stop()', 'drain', drain);
  if (timeoutMs === undefined) return;
  checkDuration('stop()', 'timeoutMs', timeoutMs);
  if (drain !== true) throw new OptionError('stop(): timeoutMs has no effect without drain');
}
