import { type RequestTool, type RunContext, RunnerError } from '@stratagem/core';
import { parseRateLimits, type Turn } from '@stratagem/core/provider';
import type { OpenAI } from 'openai';
import { type Answer, toTurn } from './answer.js';
import { toRunnerError } from './errors.js';
import type { Format } from './format.js';
import type { OpenAIOptions } from './options.js';

/** One task's question: whom to ask, and how. */
export interface Question {
  readonly client: OpenAI;
  readonly model: string;
  readonly options: OpenAIOptions;
  readonly format: Format;
  readonly tools: readonly RequestTool[];
  readonly request: {
    readonly signal: AbortSignal;
    readonly timeout: number;
    readonly maxRetries: 0;
  };
  readonly emit: RunContext['emit'];
}

/** What the SDK gives for a request that is answered by a stream. */
interface Sent<Event> {
  withResponse(): Promise<{
    data: AsyncIterable<Event>;
    response: Response;
    request_id: string | null;
  }>;
}

/**
 * Sends a request and reads the stream that answers it.
 *
 * @param eventsOf The events of an answer that comes whole: some compatible servers do not stream.
 * @throws {RunnerError} whatever goes wrong.
 */
export async function exchange<Event>(
  question: Question,
  send: () => Sent<Event>,
  eventsOf: (whole: never) => Event[],
  read: (events: AsyncIterable<Event> | Iterable<Event>) => Promise<Answer>,
): Promise<Turn> {
  let requestId: string | undefined;
  let answering = false;
  try {
    const { data: events, response, request_id } = await send().withResponse();
    requestId = request_id ?? undefined;
    answering = true;
    const isWhole = response.headers.get('content-type')?.includes('application/json');
    const answer = await read(isWhole ? eventsOf(await wholeOf(response, question)) : events);
    if (answer.end === undefined) requireStream(response, question);
    const rateLimits = parseRateLimits(response.headers);
    return toTurn(answer, question, { requestId, rateLimits });
  } catch (thrown) {
    throw toRunnerError(thrown, question, { requestId, answering });
  }
}

/** An answer that came whole; some servers answer with a status of 200 and an error. */
async function wholeOf(response: Response, { client }: Question): Promise<never> {
  const whole = Object(await response.json()) as { error?: unknown };
  const { error } = whole;
  if (!error) return whole as never;
  const { APIError } = client.constructor as typeof OpenAI;
  const said = typeof error === 'string' ? { message: error } : error;
  throw new APIError(undefined, said, undefined, response.headers);
}

/** What is no stream at all comes from something else than a model, such as a proxy that wants a login. */
function requireStream({ headers }: Response, { model }: Question): void {
  const [type = ''] = headers.get('content-type')?.split(';') ?? [];
  if (['', 'text/event-stream', 'application/json'].includes(type)) return;
  const message = `openai/${model}: ${type} came instead of an answer; is the base URL right?`;
  throw new RunnerError('server_error', message, { model });
}
