import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { Engine, type Question, TooLongError } from './engine.js';
import { askedTokens } from './requests.js';

/**
 * A loopback server that speaks Chat Completions over llama.cpp, in a process of its own. Its arguments are the
 * file of the model and the number of threads. It sends its port, or why there is no engine.
 */
const DEFAULT_TOKENS = 64;
const MODEL = 'random-weights';

interface Body {
  readonly messages?: readonly { readonly content?: unknown }[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
}

async function start(): Promise<void> {
  const [file = '', threads] = process.argv.slice(2);
  const engine = await Engine.load(file, Number(threads));
  let requests = 0;
  const server = createServer((request, response) => {
    const seed = ++requests;
    handle(engine, request, response, seed).catch((error: unknown) => refuse(response, error));
  });
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
}

async function handle(
  engine: Engine,
  request: IncomingMessage,
  response: ServerResponse,
  seed: number,
): Promise<void> {
  if (request.method !== 'POST' || !request.url?.endsWith('/chat/completions')) {
    response.writeHead(404).end();
    return;
  }
  const body = (await json(request)) as Body;
  const prompt = (body.messages ?? []).map(({ content }) => textOf(content)).join('\n');
  const asked = askedTokens(prompt) ?? DEFAULT_TOKENS;
  const most = body.max_completion_tokens ?? body.max_tokens ?? asked;
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  const { signal } = closed;
  const outputTokens = Math.min(asked, most);
  const answer = engine.answer({ prompt, outputTokens, seed, signal } satisfies Question);
  const finish = most < asked ? 'length' : 'stop';
  const tokens = { prompt: engine.countTokens(prompt) + 1, output: outputTokens };
  if (body.stream) await stream(response, answer, { finish, tokens, body, seed });
  else await whole(response, answer, { finish, tokens, seed });
}

/** The text of a message: a string, or a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? (content as readonly { readonly text?: unknown }[]) : [];
  return parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('');
}

interface Answered {
  readonly finish: 'stop' | 'length';
  readonly tokens: { readonly prompt: number; readonly output: number };
  readonly seed: number;
}

function usageOf({ tokens: { prompt, output } }: Answered) {
  return { prompt_tokens: prompt, completion_tokens: output, total_tokens: prompt + output };
}

async function whole(
  response: ServerResponse,
  answer: AsyncIterable<string>,
  answered: Answered,
): Promise<void> {
  let content = '';
  for await (const text of answer) content += text;
  response.setHeader('content-type', 'application/json');
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, message, finish_reason: answered.finish }];
  const fields = { ...fieldsOf(answered, 'chat.completion'), choices, usage: usageOf(answered) };
  response.end(JSON.stringify(fields));
}

async function stream(
  response: ServerResponse,
  answer: AsyncIterable<string>,
  { body, ...answered }: Answered & { readonly body: Body },
): Promise<void> {
  const common = fieldsOf(answered, 'chat.completion.chunk');
  const write = (fields: object) =>
    response.write(`data: ${JSON.stringify({ ...common, ...fields })}\n\n`);
  for await (const content of answer) {
    if (!response.headersSent) response.setHeader('content-type', 'text/event-stream');
    const delta = { role: 'assistant', content };
    write({ choices: [{ index: 0, delta, finish_reason: null }] });
  }
  write({ choices: [{ index: 0, delta: {}, finish_reason: answered.finish }] });
  if (body.stream_options?.include_usage) write({ choices: [], usage: usageOf(answered) });
  response.end('data: [DONE]\n\n');
}

function fieldsOf({ seed }: Answered, object: string) {
  return { id: `chatcmpl-${seed}`, object, created: Math.floor(Date.now() / 1_000), model: MODEL };
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isTheirs = error instanceof TooLongError || error instanceof SyntaxError;
  const message = error instanceof Error ? error.message : String(error);
  const type = isTheirs ? 'invalid_request_error' : 'server_error';
  response.writeHead(isTheirs ? 400 : 500, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message, type } }));
}

process.once('disconnect', () => process.exit());
start().catch((error: unknown) => {
  // The library leaves the property `name` of its errors as it is.
  const name = error instanceof Error ? error.constructor.name : '';
  process.send?.({ problem: error instanceof Error ? error.message : String(error), name }, () =>
    process.exit(1),
  );
});
