import { type Connection, connect } from './connection.js';
import type { McpOptions } from './options.js';

/** A connection that is opened again when the server has stopped. */
export interface LastingConnection {
  /** The connection that was opened first. */
  readonly first: Connection;
  /**
   * The connection for the next call.
   *
   * @throws {RunnerError} when the server has stopped and cannot be started again.
   */
  readonly current: () => Promise<Connection>;
  /**
   * A new connection in place of one whose session is lost. A connection that has been replaced
   * already is not opened once more.
   *
   * @throws {RunnerError} when the server cannot be reached.
   */
  readonly renew: (lost: Connection) => Promise<Connection>;
  /** Ends the connection for good. */
  readonly close: () => Promise<void>;
}

/** @throws {RunnerError} when the first connection fails. */
export async function connectLasting(options: McpOptions): Promise<LastingConnection> {
  const first = await connect(options);
  let connection = first;
  let opening: Promise<void> | undefined;
  let isClosed = false;

  const reopen = async () => {
    const stopped = connection;
    const next = await connect(options);
    await stopped.close();
    connection = next;
    if (isClosed) await next.close();
  };
  /** Calls of one turn arrive together, and start one server. */
  const reopenOnce = async () => {
    opening ??= reopen().finally(() => {
      opening = undefined;
    });
    await opening;
    return connection;
  };
  return {
    first,
    async current() {
      return isClosed || connection.isOpen() ? connection : reopenOnce();
    },
    async renew(lost) {
      return isClosed || connection !== lost ? connection : reopenOnce();
    },
    async close() {
      isClosed = true;
      await opening?.catch(() => {});
      await connection.close();
    },
  };
}
