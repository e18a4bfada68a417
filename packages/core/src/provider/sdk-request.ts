import { RunnerError } from '../contract/errors.js';
import { parseRateLimits } from '../contract/rate-limits.js';
import { type ModelAnswer, requireComplete } from './complete-answer.js';
import type { AnswerFormat } from './conversation.js';
import { definedFields } from './defined-fields.js';
import type { SdkOptions } from './model-options.js';
import type { RequestContext, SdkClient } from './sdk.js';
import { errorClassesOf, sdkRunnerError } from './sdk-errors.js';
import { countOf } from './wire-usage.js';

/** A request that the SDK has sent. */
interface SentRequest<Event> {
  withResponse(): Promise<{
    data: AsyncIterable<Event>;
    response: Response;
    request_id: string | null | undefined;
  }>;
}

/** The LiteLLM proxy states the cost of an answer here. */
const COST_HEADER = 'x-litellm-response-cost';

/** How one kind of request is sent and read. */
export interface Exchange<Event, Answer extends ModelAnswer> {
  send(): SentRequest<Event>;
  read(events: AsyncIterable<Event>): Promise<Answer>;
  /** Reads an answer that arrives as one JSON body: some servers do not stream. */
  readWhole(body: object): Promise<Answer>;
}

/**
 * Sends a request, and reads the stream that answers it.
 *
 * @throws {RunnerError} when the request fails or the answer is not complete.
 */
export async function requestAnswer<Event, Answer extends ModelAnswer>(
  context: RequestContext<SdkClient, SdkOptions<SdkClient>, AnswerFormat>,
  { send, read, readWhole }: Exchange<Event, Answer>,
): Promise<Answer> {
  let requestId: string | undefined;
  let answering = false;
  try {
    const { data: events, response, request_id } = await send().withResponse();
    requestId = request_id ?? undefined;
    answering = true;
    const { headers } = response;
    const isWhole = headers.get('content-type')?.includes('application/json');
    if (!isWhole) context.sdk.prepareStream?.(response);
    const received = isWhole ? readWhole(await bodyOf(response, context)) : read(events);
    const known = definedFields({ costUsd: countOf(headers.get(COST_HEADER)) });
    const answer = {
      ...known,
      ...(await received),
      requestId,
      rateLimits: parseRateLimits(headers),
    };
    if (answer.end === undefined) requireStream(headers, context);
    const { label, model, options } = context;
    requireComplete(answer, { label, model, maxOutputTokens: options.maxOutputTokens });
    return answer;
  } catch (thrown) {
    throw sdkRunnerError(thrown, context, { requestId, answering });
  }
}

/** The body of a response. Some servers put an error into one whose status is 200. */
async function bodyOf(
  response: Response,
  { sdk, client }: RequestContext<SdkClient, SdkOptions<SdkClient>, AnswerFormat>,
): Promise<object> {
  const answered: unknown = await response.json();
  const body = Object(Array.isArray(answered) ? answered[0] : answered) as Record<string, unknown>;
  const error = body.error || (body.object === 'error' ? body : undefined);
  if (!error) return body;
  const { APIError } = errorClassesOf(client);
  throw new APIError(undefined, sdk.errorBodyOf({ ...body, error }), undefined, response.headers);
}

/** Another content type comes from something in between, such as a proxy that asks for a login. */
function requireStream(
  headers: Headers,
  { label, model }: { readonly label: string; readonly model: string },
): void {
  const [type = ''] = headers.get('content-type')?.split(';') ?? [];
  if (['', 'text/event-stream', 'application/json'].includes(type)) return;
  const message = `${label}: the server answered with ${type}; is the base URL right?`;
  throw new RunnerError('server_error', message, { model });
}
