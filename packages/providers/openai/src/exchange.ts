import type { TaskOutput } from '@stratagem/core';
import type { OpenAI } from 'openai';
import { toRunnerError } from './errors.js';
import type { OpenAIOptions } from './options.js';

/** One task's question: whom to ask what, and how. */
export interface Question {
  readonly client: OpenAI;
  readonly model: string;
  readonly prompt: string;
  readonly options: OpenAIOptions;
  readonly request: {
    readonly signal: AbortSignal;
    readonly timeout: number;
    readonly maxRetries: 0;
  };
  readonly emit: (text: string) => void;
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
  read: (
    events: AsyncIterable<Event> | Iterable<Event>,
    requestId: string | undefined,
  ) => Promise<TaskOutput>,
): Promise<TaskOutput> {
  let requestId: string | undefined;
  let answering = false;
  try {
    const { data: events, response, request_id } = await send().withResponse();
    requestId = request_id ?? undefined;
    answering = true;
    const isWhole = response.headers.get('content-type')?.includes('application/json');
    return await read(isWhole ? eventsOf((await response.json()) as never) : events, requestId);
  } catch (thrown) {
    throw toRunnerError(thrown, question, { requestId, answering });
  }
}
