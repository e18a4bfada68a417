import { type Journal, JournalError, OptionError, type RunEvent, readRun } from '@stratagem/core';
import { checkDuration, checkOptions } from '@stratagem/core/runner';
import { checkStreamOptions, type StreamOptions, streamRun } from './stream-run.js';

/** What is used of a `RunHandle`. */
export interface StreamedRun extends AsyncIterable<RunEvent> {
  readonly runId: string;
  readonly result: Promise<unknown>;
}

export interface RunStreamsOptions
  extends Pick<StreamOptions, 'select' | 'heartbeatMs' | 'retryMs'> {
  /**
   * Where runs of other processes, and those that have ended, are found.
   * @default none: only runs that were added are known
   */
  readonly journal?: Pick<Journal, 'read'> | undefined;
  /**
   * How long a run that has ended stays in memory for clients that come back, in milliseconds.
   * @default 60_000
   */
  readonly keepMs?: number | undefined;
}

/** The runs of a server, for clients that follow them by their ids. */
export interface RunStreams {
  /** Makes a run known, and returns it. */
  add<Run extends StreamedRun>(run: Run): Run;
  /** Answers with the events of a run: 404 when there is no such run. */
  respond(runId: string, request: Request): Promise<Response>;
}

/**
 * Keeps the runs of a server, so that clients can follow them, lose the connection, and continue where
 * they were. Who may see which run is for you to decide before you call `respond`.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const streams = runStreams({ journal });
 * app.post('/runs', (c) => c.json({ runId: streams.add(executor.execute(plan)).runId }, 202));
 * app.get('/runs/:id/events', (c) => streams.respond(c.req.param('id'), c.req.raw));
 */
export function runStreams(options: RunStreamsOptions = {}): RunStreams {
  const names = ['select', 'heartbeatMs', 'retryMs', 'journal', 'keepMs'];
  checkOptions('runStreams()', options, names);
  checkStreamOptions('runStreams()', options);
  const { journal, keepMs = 60_000, ...stream } = options;
  checkDuration('runStreams()', 'keepMs', keepMs);
  if (journal !== undefined && typeof journal.read !== 'function') {
    throw new OptionError('runStreams(): journal must be a Journal');
  }
  const runs = new Map<string, StreamedRun>();
  return {
    add(run) {
      runs.set(run.runId, run);
      const drop = () => {
        // The run may have been resumed under the same id.
        if (runs.get(run.runId) === run) runs.delete(run.runId);
      };
      const dropLater = () => {
        const timer: unknown = setTimeout(drop, keepMs);
        // Node need not wait for it; other runtimes have numbers.
        (timer as { unref?: () => void }).unref?.();
      };
      run.result.then(dropLater, drop);
      return run;
    },
    async respond(runId, request) {
      const run = runs.get(runId);
      const events = run ?? (await recorded(journal, runId));
      if (events === undefined) return new Response('There is no such run.', { status: 404 });
      return streamRun(events, { ...stream, request });
    },
  };
}

/**
 * What a journal has of a run so far; undefined when it has no such run. A client whose run goes on in
 * another process connects again for the rest.
 */
async function recorded(
  journal: RunStreamsOptions['journal'],
  runId: string,
): Promise<AsyncIterable<RunEvent> | undefined> {
  if (journal === undefined) return undefined;
  const events = readRun(journal as Journal, runId);
  try {
    return withFirst(await events.next(), events);
  } catch (error) {
    if (error instanceof JournalError && error.code === 'run_not_found') return undefined;
    throw error;
  }
}

async function* withFirst(
  first: IteratorResult<RunEvent>,
  rest: AsyncIterable<RunEvent>,
): AsyncGenerator<RunEvent, void, undefined> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
