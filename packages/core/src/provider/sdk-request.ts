import { RunnerError } from '../contract/errors.js';
import { parseRateLimits } from '../contract/rate-limits.js';
import type { RunContext } from '../contract/run-context.js';
import { announcesJson, errorIn, holdsEvents, isBareError, parseBody } from './answer-body.js';
import { type ModelAnswer, requireComplete } from './complete-answer.js';
import type { AnswerFormat } from './conversation.js';
import { definedFields } from './defined-fields.js';
import { JoinedText } from './joined-text.js';
import type { SdkOptions } from './model-options.js';
import { END_OF_STREAM, type RequestContext, type SdkClient } from './sdk.js';
import { errorClassesOf, sdkRunnerError } from './sdk-errors.js';
import { type ServerEvents, serverEvents } from './server-events.js';
import type { Arrivals } from './take-events.js';
import { countOf } from './wire-usage.js';

/** A request that the SDK has sent. */
interface SentRequest {
  asResponse(): Promise<Response>;
}

/** The LiteLLM proxy states the cost of an answer here. */
const COST_HEADER = 'x-litellm-response-cost';

/** The names of the header with the id of a request. */
const REQUEST_ID_HEADERS = ['x-request-id', 'request-id'];

/** How one kind of request is sent and read. */
export interface Exchange<Event, Answer extends ModelAnswer> {
  /** Sends the request, for a stream or for a whole answer. */
  send(streams: boolean): SentRequest;
  /**
   * @param arrivals Those that arrived together, each time.
   * @param emit Receives the text and the reasoning.
   */
  read(arrivals: Arrivals<Event>, emit: RunContext['emit']): Promise<Answer>;
  /**
   * Reads an answer that arrives as one JSON body: it was asked for, or the server does not stream.
   *
   * @param emit Receives the text; left out when nobody reads it.
   */
  readWhole(body: object, emit?: RunContext['emit']): Promise<Answer>;
  /** Whether the next request continues an answer that the server has paused. */
  readonly continuesPaused?: boolean | undefined;
}

type Context = RequestContext<SdkClient, SdkOptions<SdkClient>, AnswerFormat>;

/**
 * Sends a request, and reads its answer: a stream of events, or one body.
 *
 * @throws {RunnerError} when the request fails or the answer is not complete.
 */
export async function requestAnswer<Event, Answer extends ModelAnswer>(
  context: Context,
  exchange: Exchange<Event, Answer>,
): Promise<Answer> {
  let requestId: string | undefined;
  let answering = false;
  try {
    // Reading the body through the SDK takes longer than sending the request.
    const response = await exchange.send(context.streams).asResponse();
    const { headers } = response;
    requestId = requestIdIn(headers);
    answering = true;
    const known = definedFields({ costUsd: countOf(headers.get(COST_HEADER)) });
    const answer = {
      ...known,
      ...(await answerIn(response, context, exchange)),
      requestId,
      rateLimits: parseRateLimits(headers),
    };
    if (answer.end === undefined) requireStream(headers, context);
    const { label, model, options } = context;
    if (answer.end === 'paused' && exchange.continuesPaused) return answer;
    requireComplete(answer, { label, model, maxOutputTokens: options.maxOutputTokens });
    return answer;
  } catch (thrown) {
    throw sdkRunnerError(thrown, context, { requestId, answering });
  }
}

async function answerIn<Event, Answer extends ModelAnswer>(
  response: Response,
  context: Context,
  exchange: Exchange<Event, Answer>,
): Promise<Answer> {
  const { headers } = response;
  let { body } = response;
  if (announcesJson(headers)) {
    const text = await response.text();
    if (!holdsEvents(text)) return wholeAnswer(bodyOf(text, headers, context), context, exchange);
    ({ body } = new Response(text));
  }
  // Some servers stream although they are asked not to.
  const arrivals = serverEvents(body);
  const first = await arrivals.next();
  // Others announce a stream, and write JSON.
  if (first.done === true && first.value !== '') {
    return wholeAnswer(bodyOf(first.value, headers, context), context, exchange);
  }
  return streamedAnswer(first, arrivals, headers, context, exchange);
}

async function streamedAnswer<Event, Answer extends ModelAnswer>(
  first: Arrival,
  arrivals: ServerEvents,
  headers: Headers,
  context: Context,
  exchange: Exchange<Event, Answer>,
): Promise<Answer> {
  const text = new JoinedText(context.emit);
  try {
    const events = eventsOf<Event>(first, arrivals, headers, context, text);
    const expectEnd = (quietMs: number | undefined) => arrivals.expectEnd(quietMs);
    return await exchange.read(Object.assign(events, { expectEnd }), text.emit);
  } finally {
    await text.flush();
  }
}

async function wholeAnswer<Answer extends ModelAnswer>(
  body: object,
  context: Context,
  { readWhole }: Pick<Exchange<never, Answer>, 'readWhole'>,
): Promise<Answer> {
  const { emit, wantsText, label, model } = context;
  const answer = await readWhole(body, wantsText ? emit : undefined);
  requireContent(answer, body, context);
  if (wantsText) return answer;
  // Nobody reads the text of an answer that is complete; the log keeps that of another one.
  try {
    requireComplete(answer, { label, model });
  } catch {
    return readWhole(body, emit);
  }
  return answer;
}

/**
 * @throws {RunnerError} `server_error` for a body that holds nothing of an answer: it is of another API, or
 * comes from something in between.
 */
function requireContent(
  { end, reason, text, toolCalls = [], usage }: ModelAnswer,
  body: object,
  { label, model }: Context,
): void {
  if (end !== undefined || reason !== undefined || text !== '' || toolCalls.length > 0) return;
  const what = Object.keys(body).length === 0 ? 'no answer' : 'JSON that is no answer of this API';
  const message = `${label}: the server sent ${what}; is the base URL right?`;
  throw new RunnerError('server_error', message, definedFields({ model, usage }));
}

type Arrival = Awaited<ReturnType<ServerEvents['next']>>;

/**
 * The events of a stream. Those before an error are read, as the log keeps their text.
 *
 * @param first The events that arrived first.
 * @param arrivals Those that follow.
 * @param text Emitted after each arrival.
 */
async function* eventsOf<Event>(
  first: Arrival,
  arrivals: ServerEvents,
  headers: Headers,
  { sdk, client }: Context,
  text: JoinedText,
): AsyncGenerator<readonly Event[]> {
  const { APIError } = errorClassesOf(client);
  const fail = (body: unknown) => new APIError(undefined, body, undefined, headers, typeIn(body));
  try {
    for (let arrived = first; arrived.done !== true; arrived = await arrivals.next()) {
      const events: Event[] = [];
      try {
        for (const event of arrived.value) {
          const value = sdk.readEvent(event, fail);
          if (value === END_OF_STREAM) {
            yield events;
            return;
          }
          if (value !== undefined) events.push(value as Event);
        }
      } catch (thrown) {
        yield events;
        throw thrown;
      }
      yield events;
      await text.flush();
    }
  } finally {
    await arrivals.return('');
  }
}

function typeIn(body: unknown): unknown {
  return Object(Object(body).error).type;
}

function requestIdIn(headers: Headers): string | undefined {
  for (const name of REQUEST_ID_HEADERS) {
    const id = headers.get(name);
    if (id !== null) return id;
  }
  return undefined;
}

/** The body of a response. Some servers put an error into one whose status is 200. */
function bodyOf(text: string, headers: Headers, { sdk, client }: Context): object {
  const body = parseBody(text, headers.get('content-type'));
  const error = errorIn(body) ?? (isBareError(body) ? (body.base_resp ?? body) : undefined);
  if (error === undefined) return body;
  const { APIError } = errorClassesOf(client);
  throw new APIError(undefined, sdk.errorBodyOf({ ...body, error }), undefined, headers);
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
