import type {
  SdkHttpError,
  Transport as SdkTransport,
  VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { missingPackage } from '@stratagem/core/runner';
import type { McpHttpOptions, McpStdioOptions } from './options.js';

/** Most programs call no servers: the SDK is only installed where some do. */
function explainMissing(thrown: unknown): never {
  throw missingPackage('mcpTools()', '@modelcontextprotocol/client', thrown);
}

/** The SDK's transport to a server, and what this package needs to know about it. */
export interface Transport {
  readonly sdk: SdkTransport;
  /** How to negotiate the protocol version. */
  readonly mode: VersionNegotiationMode;
  /** The latest text on the server's standard error. */
  readonly stderrTail?: (() => string) | undefined;
  /** Tells the server that its session has ended. */
  readonly endSession?: (() => Promise<void>) | undefined;
  /** Whether the server has named a session. */
  readonly hasSession?: (() => boolean) | undefined;
  /** Another transport to try after an error of this one; undefined when there is none. */
  readonly fallback?: (error: unknown) => Promise<Transport> | undefined;
}

/** The maximum length of the kept standard error, in characters. */
const STDERR_TAIL_LENGTH = 1_000;

/** Starts a server. Most speak the legacy protocol; the others are tried again with negotiation. */
export async function stdioTransport(
  { command, args = [], env, cwd }: McpStdioOptions,
  mode: VersionNegotiationMode = 'legacy',
): Promise<Transport> {
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio').catch(
    explainMissing,
  );
  const { ProtocolError } = await import('@modelcontextprotocol/client');
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    // The SDK adds only the variables that are safe.
    env: { ...env },
    stderr: 'pipe',
    ...(cwd !== undefined && { cwd }),
  });
  let stderrTail = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString()).slice(-STDERR_TAIL_LENGTH);
  });
  return {
    sdk: transport,
    mode,
    stderrTail: () => stderrTail.trim(),
    fallback(error) {
      if (mode !== 'legacy' || !(error instanceof ProtocolError)) return undefined;
      return stdioTransport({ command, args, ...(env && { env }), ...(cwd && { cwd }) }, 'auto');
    },
  };
}

/** Streamable HTTP. An older server rejects the first request with a 4xx and gets server-sent events. */
export async function httpTransport(given: McpHttpOptions): Promise<Transport> {
  const { headers, authProvider } = given;
  const sdk = await import('@modelcontextprotocol/client').catch(explainMissing);
  const url = new URL(given.url);
  const options = {
    requestInit: { headers: { ...headers } },
    ...(authProvider && { authProvider }),
  };
  const transport = new sdk.StreamableHTTPClientTransport(url, options);
  failRequestsOfBrokenStreams(transport);
  return {
    sdk: transport,
    mode: 'auto',
    endSession: () => transport.terminateSession(),
    hasSession: () => transport.sessionId !== undefined,
    fallback(error) {
      if (!isFromOlderServer(error)) return undefined;
      const sse = new sdk.SSEClientTransport(url, options);
      return Promise.resolve({ sdk: sse, mode: 'legacy' });
    },
  };
}

function isFromOlderServer(error: unknown): boolean {
  const { status } = (error as Partial<SdkHttpError>) ?? {};
  return status === 400 || status === 404 || status === 405;
}

export const BROKEN_STREAM = 'the connection broke before the response';
/** A code from the range that the protocol reserves for implementations. */
const BROKEN_STREAM_CODE = -32_000;

/**
 * Fails a request whose stream ends without a response. Only the transport notices that; without this,
 * the request would run into its time limit.
 */
function failRequestsOfBrokenStreams(transport: SdkTransport): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (!('method' in message && 'id' in message)) return send(message, options);
    const onRequestStreamEnd = () => {
      options?.onRequestStreamEnd?.();
      // A response that did arrive has been processed by now, and a second one is ignored.
      const error = { code: BROKEN_STREAM_CODE, message: BROKEN_STREAM };
      transport.onmessage?.({ jsonrpc: '2.0', id: message.id, error });
    };
    return send(message, { ...options, onRequestStreamEnd });
  };
}
