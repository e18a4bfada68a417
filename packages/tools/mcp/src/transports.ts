import type { SdkHttpError, Transport, VersionNegotiationMode } from '@modelcontextprotocol/client';
import type { McpHttpOptions, McpStdioOptions } from './options.js';

/** A way to a server, before it is gone. */
export interface Way {
  readonly transport: Transport;
  /** Which of the protocol's two eras to speak. */
  readonly mode: VersionNegotiationMode;
  /** What the server said last on its standard error. */
  readonly lastWords?: () => string;
  /** Tells the server that its session is over. */
  readonly leave?: () => Promise<void>;
  /** Another way, worth trying when the server refused this one. */
  readonly otherwise?: (refusal: unknown) => Promise<Way> | undefined;
}

/** How much of a server's standard error is kept, in characters. */
const KEPT_WORDS = 1_000;

/** Starts a server. Most speak the older era; it is asked of one that does not to speak the newer. */
export async function stdioWay(
  { command, args = [], env, cwd }: McpStdioOptions,
  mode: VersionNegotiationMode = 'legacy',
): Promise<Way> {
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const { ProtocolError } = await import('@modelcontextprotocol/client');
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    // The SDK adds the variables that are safe, and no others.
    env: { ...env },
    stderr: 'pipe',
    ...(cwd !== undefined && { cwd }),
  });
  let words = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-KEPT_WORDS);
  });
  return {
    transport,
    mode,
    lastWords: () => words.trim(),
    otherwise(refusal) {
      if (mode !== 'legacy' || !(refusal instanceof ProtocolError)) return undefined;
      return stdioWay({ command, args, ...(env && { env }), ...(cwd && { cwd }) }, 'auto');
    },
  };
}

/** Streamable HTTP; a server of before that was invented answers the first request with 4xx. */
export async function httpWay({ url, headers, authProvider }: McpHttpOptions): Promise<Way> {
  const sdk = await import('@modelcontextprotocol/client');
  const place = new URL(url);
  const options = {
    requestInit: { headers: { ...headers } },
    ...(authProvider && { authProvider }),
  };
  const transport = new sdk.StreamableHTTPClientTransport(place, options);
  answerWhenStreamsEnd(transport);
  return {
    transport,
    mode: 'auto',
    leave: () => transport.terminateSession(),
    otherwise(refusal) {
      if (!isOldServer(refusal)) return undefined;
      const older = new sdk.SSEClientTransport(place, options);
      return Promise.resolve({ transport: older, mode: 'legacy' });
    },
  };
}

function isOldServer(refusal: unknown): boolean {
  const { status } = (refusal as Partial<SdkHttpError>) ?? {};
  return status === 400 || status === 404 || status === 405;
}

export const BROKEN_STREAM = 'the connection broke before the answer came';
/** Among the codes that the protocol leaves to its users. */
const BROKEN_STREAM_CODE = -32_000;

/**
 * A stream that breaks off before it brought the answer is news to the transport alone: without
 * this, whoever waits for the answer would wait for the whole time limit.
 */
function answerWhenStreamsEnd(transport: Transport): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (!('method' in message && 'id' in message)) return send(message, options);
    const onRequestStreamEnd = () => {
      options?.onRequestStreamEnd?.();
      // An answer that did come has been taken by now, and a second one is ignored.
      const error = { code: BROKEN_STREAM_CODE, message: BROKEN_STREAM };
      transport.onmessage?.({ jsonrpc: '2.0', id: message.id, error });
    };
    return send(message, { ...options, onRequestStreamEnd });
  };
}
