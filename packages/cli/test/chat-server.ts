import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** The reply to a prompt: an answer, an error with this status, or none at all. */
export type Reply =
  | string
  | {
      readonly status: number;
      readonly message: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly hang: true };

/** A request as the server received it. */
export interface ChatRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly model: string;
  /** The text of all its messages. */
  readonly prompt: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ChatServer extends AsyncDisposable {
  /** For `--base-url`. */
  readonly url: string;
  readonly requests: readonly ChatRequest[];
}

/** Starts a local server that streams OpenAI's Chat Completions; use it with `await using`. */
export function chatServer(
  reply: (request: ChatRequest) => Reply | Promise<Reply>,
): Promise<ChatServer> {
  return serverOf(reply, sendAnswer);
}

/** The same for Anthropic's Messages. */
export function messagesServer(reply: (request: ChatRequest) => Reply): Promise<ChatServer> {
  return serverOf(reply, sendMessage);
}

async function serverOf(
  reply: (request: ChatRequest) => Reply | Promise<Reply>,
  send: (response: ServerResponse, request: ChatRequest, content: string) => void,
): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (message, response) => {
    const sent = await json(message).catch(() => undefined);
    // The client has left, perhaps because a test has killed it.
    if (sent === undefined) return;
    const body = sent as { model: string; messages: { content: string }[] };
    const request: ChatRequest = {
      path: message.url ?? '',
      headers: message.headers,
      model: body.model,
      prompt: body.messages.map(({ content }) => content).join('\n'),
      body,
    };
    requests.push(request);
    const result = await reply(request);
    if (typeof result === 'string') send(response, request, result);
    else if ('status' in result) sendError(response, result);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function sendAnswer(response: ServerResponse, { model }: ChatRequest, content: string): void {
  const common = { id: 'chatcmpl-1', created: 1, model, object: 'chat.completion.chunk' };
  const half = Math.ceil(content.length / 2);
  response.setHeader('content-type', 'text/event-stream');
  for (const part of [
    { choices: [{ index: 0, delta: { role: 'assistant', content: content.slice(0, half) } }] },
    { choices: [{ index: 0, delta: { content: content.slice(half) } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage },
  ]) {
    response.write(`data: ${JSON.stringify({ ...common, ...part })}\n\n`);
  }
  response.end('data: [DONE]\n\n');
}

function sendMessage(response: ServerResponse, { model }: ChatRequest, text: string): void {
  response.setHeader('content-type', 'text/event-stream');
  const input = { input_tokens: 20, output_tokens: 1 };
  for (const event of [
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        usage: input,
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
    { type: 'message_stop' },
  ]) {
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

function sendError(
  response: ServerResponse,
  { status, message, headers }: Extract<Reply, { status: number }>,
) {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ error: { message, type: 'server_error', code: null, param: null } }));
}
