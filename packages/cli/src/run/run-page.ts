import type { RunServer, ServeOptions, WatchableRun } from '@stratagem/ui';
import type { PageFlags } from '../options/page-flags.js';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { shellQuote } from '../output/shell-quote.js';
import type { Recording } from './recording.js';

/** The live page of one run. */
export interface RunPage {
  /** Shows a run, and returns the message with its address. */
  attach(run: WatchableRun, retryCommand: string | undefined): string;
  /** Keeps the page open after the run: until Ctrl-C on a terminal, otherwise until pages are current. */
  linger(): Promise<void>;
  close(): Promise<void>;
}

/** Time in which open pages get the last events of a run that nobody stops at a terminal. */
const LAST_EVENTS_MS = 1_000;

/**
 * Starts the server of `--ui`.
 *
 * @param recording The record of the run, if there is one.
 * @returns undefined without that flag.
 * @throws {UsageError} when it cannot listen.
 */
export async function openRunPage(
  { ui, port }: PageFlags,
  recording?: Recording,
): Promise<RunPage | undefined> {
  if (!ui) {
    if (port !== undefined) throw new UsageError('--port has no effect without --ui: remove it');
    return undefined;
  }
  const server = await openServer({
    ...(port !== undefined && { port }),
    ...(recording !== undefined && journalOf(recording)),
  });
  return {
    attach(run, retryCommand) {
      server.attach(run, retryCommand === undefined ? {} : { retryCommand, isRecorded: true });
      return `Watch the run: ${server.urlOf(run.runId)}\n`;
    },
    async linger() {
      if (process.stderr.isTTY) {
        process.stderr.write('The page stays open until Ctrl-C.\n');
        await interrupted();
      } else if (server.pages > 0) {
        await new Promise((resolve) => setTimeout(resolve, LAST_EVENTS_MS));
      }
      await server.close();
    },
    close: () => server.close(),
  };
}

/** The page also lists the other runs of the journal, and compares with them. */
function journalOf({ journal, journalName, journalOption }: Recording): ServeOptions {
  const retryCommand = (runId: string) =>
    `${COMMAND} resume ${shellQuote(runId)}${journalOption} --retry-failed`;
  return {
    ...{ journal, journalName },
    extrasOf: (runId) => ({ retryCommand: retryCommand(runId) }),
  };
}

/** @throws {UsageError} when it cannot listen. */
export async function openServer(options: ServeOptions): Promise<RunServer> {
  const { serveRuns } = await import('@stratagem/ui');
  try {
    return await serveRuns(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const { host = '127.0.0.1', port = 0 } = options;
    const why = code === 'EADDRINUSE' ? 'another program uses that port' : message;
    throw new UsageError(`cannot serve a page on ${host}:${port}: ${why}; choose another --port`, {
      cause: error,
    });
  }
}

/** Resolves at the first signal to stop. */
export function interrupted(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve(signal);
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}
