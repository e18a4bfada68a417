import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A loopback server that speaks Chat Completions, in a process of its own. It prints its port. */
const LATENCY_MS = 5;
/** One chunk for each few words, as servers send them. */
const PIECES = Array.from({ length: 16 }, (_, index) => `word ${index} of the answer. `);
const usage = { prompt_tokens: 12, completion_tokens: 64, total_tokens: 76 };

const server = createServer(async (request, response) => {
  const { stream } = (await json(request)) as { stream?: boolean };
  setTimeout(() => (stream ? answerInPieces(response) : answerWhole(response)), LATENCY_MS);
});

function answerWhole(response: ServerResponse): void {
  const message = { role: 'assistant', content: PIECES.join('') };
  const body = {
    ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm' },
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

function answerInPieces(response: ServerResponse): void {
  const common = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
  const write = (fields: object) =>
    response.write(`data: ${JSON.stringify({ ...common, ...fields })}\n\n`);
  response.setHeader('content-type', 'text/event-stream');
  for (const content of PIECES) {
    write({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] });
  }
  write({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  write({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port);
});
process.once('disconnect', () => process.exit());
