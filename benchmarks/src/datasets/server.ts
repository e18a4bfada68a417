import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { childArguments } from '../util/child-process.js';

/** How a server behaves. */
export interface ServerOptions {
  readonly latencyMs: number;
  /** The share of requests that fail: half of them with a 500, the others because the connection is lost. */
  readonly faults: number;
  /** Requests a minute, counted as a bucket of a second; others get a 429. */
  readonly requestsPerMinute: number | null;
}

/** What a server has counted. */
export interface ServerCounts {
  readonly admitted: number;
  readonly refused: number;
  /** From the first admitted request to the last. */
  readonly ms: number;
}

/**
 * A loopback server that speaks Chat Completions, in a process of its own. It sends its port, and its
 * counts when it gets a message.
 */
const [{ latencyMs, faults, requestsPerMinute }] = childArguments() as [ServerOptions];
const perMs = requestsPerMinute === null ? Number.POSITIVE_INFINITY : requestsPerMinute / 60_000;
const burst = perMs * 1_000;
let room = burst;
let at = performance.now();
let admitted = 0;
let refused = 0;
let firstAt = 0;
let lastAt = 0;

const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };
const common = { id: 'chatcmpl-1', created: 1, model: 'm' };
const whole = JSON.stringify({
  ...{ ...common, object: 'chat.completion', usage },
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
});
const chunk = (fields: object) =>
  `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', ...fields })}\n\n`;
const delta = (fields: object, finish_reason: string | null) =>
  chunk({ choices: [{ index: 0, delta: fields, finish_reason }] });
const streamed = `${delta({ role: 'assistant', content: 'ok' }, null)}${delta({}, 'stop')}${chunk({ choices: [], usage })}data: [DONE]\n\n`;

const server = createServer(async (request, response) => {
  const body = await text(request);
  const now = performance.now();
  room = Math.min(burst, room + (now - at) * perMs);
  at = now;
  if (room < 1) {
    refused++;
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '20' });
    response.end('{"error":{"message":"too many requests","code":"rate_limit_exceeded"}}');
    return;
  }
  room--;
  admitted++;
  if (firstAt === 0) firstAt = now;
  lastAt = now;
  setTimeout(() => {
    const luck = Math.random();
    if (luck < faults / 2) request.socket.destroy();
    else if (luck < faults) {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"a fault"}}');
    } else if (body.includes('"stream":true')) {
      response.setHeader('content-type', 'text/event-stream');
      response.end(streamed);
    } else {
      response.setHeader('content-type', 'application/json');
      response.end(whole);
    }
  }, latencyMs);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', () => {
  process.send?.({ admitted, refused, ms: lastAt - firstAt } satisfies ServerCounts);
});
process.once('disconnect', () => process.exit());
