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
  return {
    first,
    async current() {
      if (isClosed || connection.isOpen()) return connection;
      // Calls of one turn arrive together, and start one server.
      opening ??= reopen().finally(() => {
        opening = undefined;
      });
      await opening;
      return connection;
    },
    async close() {
      isClosed = true;
      await opening?.catch(() => {});
      await connection.close();
    },
  };
}
