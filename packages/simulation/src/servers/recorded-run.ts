import { OptionError, type RunEvent, type Task } from '@stratagem/core';
import { RecordedAttempts } from '../recorded/attempts.js';
import { Sampler } from '../recorded/sampler.js';
import { Providers } from './providers.js';
import { QueueingServer, type Refusal } from './queueing-server.js';
import type { Request, Response, Server, ServerModel, StreamChunk } from './server.js';

/**
 * A server that behaves as in a recorded run: attempts take as long, use as many tokens, cost as much and
 * fail as often as those of tasks of the same type and model, and slow each other down as they did. Each seed is
 * another run that could have happened, so the runs of many seeds show how sure a forecast is.
 *
 * Attempts that failed for good, or were stopped, are left out. If load slowed the run down, that goes on
 * above its highest load; otherwise more load is assumed to change nothing.
 *
 * @param events The events of a run, such as `result.timeline` or those of `readRun()`.
 * @throws {OptionError} when they contain no attempt at a server that ended.
 *
 * @example
 * const server = recordedRun(result.timeline);
 * const rows = whatIf(plan, { server, runs: 100, maxParallel: [4, 8], strategy: parallel() });
 */
export function recordedRun(events: Iterable<RunEvent>): ServerModel {
  const attempts = new RecordedAttempts(checkedEvents(events));
  const resources = [...attempts.byResource];
  if (resources.length === 0) {
    throw new OptionError('recordedRun(): the run has no attempt at a server that ended');
  }
  return {
    name: nameOf(attempts),
    resourceOf: (task: Task) => attempts.resourceOf(task),
    begin: (seed) =>
      new Providers(
        new Map(
          resources.map(([resource, samples]) => [
            resource,
            new RecordedServer(new Sampler(samples, seed), seed),
          ]),
        ),
      ),
  };
}

function nameOf({ count, failures }: RecordedAttempts): string {
  const attempts = count === 1 ? '1 attempt' : `${count} attempts`;
  const leftOut = failures === 0 ? '' : `, without ${failures} that failed for good`;
  return `as recorded in a run of ${attempts}${leftOut}`;
}

function checkedEvents(events: Iterable<RunEvent>): RunEvent[] {
  const given = events as Iterable<RunEvent> | undefined;
  const list = typeof given?.[Symbol.iterator] === 'function' ? [...given] : undefined;
  if (list?.every((event) => typeof event?.timestamp === 'number')) return list;
  throw new OptionError('recordedRun() takes the events of a run, such as result.timeline');
}

/** A request with the behaviour that was drawn for it. */
interface DrawnRequest extends Request {
  readonly refusal: Refusal | undefined;
}

class RecordedServer implements Server {
  readonly #sampler: Sampler;
  readonly #server: QueueingServer;
  readonly #drawn = new Map<Request, DrawnRequest>();

  constructor(sampler: Sampler, seed: number) {
    this.#sampler = sampler;
    this.#server = new QueueingServer({
      seed,
      sigma: 0,
      speed: (inFlight) => sampler.slowdown.speedAt(inFlight),
      gate: { refuse: (request) => (request as DrawnRequest).refusal },
    });
  }

  get nextAt(): number {
    return this.#server.nextAt;
  }

  start(request: Request, now: number): void {
    const { workMs, inputTokens, outputTokens, costUsd, error } = this.#sampler.draw(request);
    const used = inputTokens + outputTokens > 0 && { usage: { inputTokens, outputTokens } };
    const refusal = error && { ...error, ...used, costUsd, afterMs: workMs };
    const drawn = { ...request, workMs, inputTokens, outputTokens, costUsd, refusal };
    this.#drawn.set(request, drawn);
    this.#server.start(drawn, now);
  }

  abort(request: Request, now: number): void {
    const drawn = this.#drawn.get(request);
    if (drawn === undefined) return;
    this.#drawn.delete(request);
    this.#server.abort(drawn, now);
  }

  advance(now: number): Response | StreamChunk | undefined {
    return this.#server.advance(now);
  }
}
