import type { Citation, RunContext } from '@stratagem/core';
import {
  AnswerText,
  type Arrivals,
  answerEndOf,
  CallIds,
  type ModelAnswer,
  readWireUsage,
  takeEvents,
  type WireUsage,
} from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { asSpecified } from './as-specified.js';
import { annotationsOf } from './citations.js';
import { serverToolCallsIn } from './server-tools.js';
import { StreamedItems } from './streamed-items.js';

/** A response that was not streamed, as the last event of a stream. */
export function eventsOf(response: Partial<Response>): ResponseStreamEvent[] {
  const { status, output } = response;
  // A body without both is not a response.
  if (status === undefined && output === undefined) return [];
  const type = status === 'failed' ? 'failed' : 'completed';
  return [{ type: `response.${type}`, response: response as Response, sequence_number: 0 }];
}

/** The events that bring the response as it ended. The last two are of other servers. */
const FINAL: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.cancelled',
  'response.done',
]);

/** Reads the events of an answer, and emits its text. */
export async function readEvents(
  arrivals: Arrivals<ResponseStreamEvent> | Iterable<readonly ResponseStreamEvent[]>,
  { client, emit }: { readonly client: OpenAI; readonly emit?: RunContext['emit'] | undefined },
  ids: CallIds,
): Promise<ResponseAnswer> {
  const { APIError } = client.constructor as typeof OpenAI;
  const text = new AnswerText(emit);
  let refusal = '';
  let response: Response | undefined;
  const items = new StreamedItems();
  /** Returns a promise while the reader of the text is behind. */
  const take = (event: ResponseStreamEvent): Promise<void> | undefined => {
    switch (event.type) {
      case 'response.output_text.delta':
        return text.add(event.delta);
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return text.reason(event.delta);
      case 'response.refusal.delta':
        refusal += event.delta ?? '';
        break;
      case 'response.output_text.done':
        // Some servers send no pieces.
        return text.raw === '' ? text.add(event.text) : undefined;
      case 'response.output_item.added':
      case 'response.output_item.done':
        items.set(event);
        break;
      case 'response.function_call_arguments.delta':
        items.addArguments(event);
        break;
      case 'response.function_call_arguments.done':
        items.setArguments(event);
        break;
      case 'response.failed':
        // The SDK does not throw this event, as the request itself succeeded.
        throw new APIError(
          undefined,
          event.response?.error ?? undefined,
          'the response failed',
          undefined,
        );
      case 'error':
        // The SDK throws this event itself, unless the server omits the event's name.
        throw new APIError(undefined, event, undefined, undefined);
      default:
        if (FINAL.has(event.type)) {
          const { response: last } = event as { response: Response };
          response = withOutput(last, items.output);
        }
    }
    return undefined;
  };
  const isOver = () => response !== undefined;
  await takeEvents(arrivals, take, { isComplete: isOver, isCounted: isOver, isOver });
  if (text.raw === '' && emit !== undefined) await emitWhole(response, text);
  await text.end();
  return readResponse(response, { text: text.text, refusal }, ids);
}

/** Emits an answer of which no piece has arrived. */
async function emitWhole(response: Response | undefined, text: AnswerText): Promise<void> {
  const output = asSpecified(response?.output);
  for (const item of output) {
    if (item.type !== 'reasoning') continue;
    const parts: readonly unknown[] = [item.content, item.summary].flat();
    for (const part of parts) await text.reason(Object(part).text);
  }
  await text.add(finalText(output) ?? response?.output_text);
}

/** Some servers do not repeat the streamed items in the final response. */
function withOutput(response: Response, items: Output): Response {
  if (response?.output?.length) return response;
  return { ...response, output: items };
}

export type Output = Response['output'];

interface ResponseAnswer extends ModelAnswer {
  /** The items to repeat in the next request. */
  readonly output: Output;
}

/**
 * @param streamed The streamed text, for a response that does not repeat it.
 * @param ids The ids of the calls in the conversation so far.
 */
export function readResponse(
  response: Response | undefined,
  streamed = { text: '', refusal: '' },
  ids = new CallIds(),
): ResponseAnswer {
  const output = withCallIds(asSpecified(response?.output), ids);
  const calls = output.filter((item) => item.type === 'function_call');
  return {
    output,
    text:
      finalText(output) ?? (streamed.text || AnswerText.of(String(response?.output_text ?? ''))),
    toolCalls: calls.map((call) => ({
      callId: call.call_id,
      tool: String(call.name ?? ''),
      input: call.arguments,
    })),
    refusal: streamed.refusal || refusalOf(output),
    citations: citationsIn(output),
    serverToolCalls: serverToolCallsIn(output),
    ...endingOf(response),
    ...withSearches(readWireUsage(response?.usage), output),
    model: response?.model,
    serviceTier: response?.service_tier ?? undefined,
  };
}

/** The sources of the answer. Places count in its whole text. */
function citationsIn(output: Output): Citation[] {
  let offset = 0;
  return output.flatMap((item) => {
    if (item.type !== 'message' || item.phase === 'commentary') return [];
    return item.content.flatMap((part) => {
      if (part.type !== 'output_text') return [];
      const found = annotationsOf(part.annotations, part.text, offset);
      offset += part.text.length;
      return found;
    });
  });
}

/** The usage with the searches that the server made for the answer. */
function withSearches(used: WireUsage, output: Output): WireUsage {
  const searches = output.filter(
    (item) => item.type === 'web_search_call' && isSearch(item.action),
  ).length;
  if (searches === 0 || used.usage === undefined) return used;
  return { ...used, usage: { ...used.usage, searches } };
}

/** Opening a page that a search has found is not charged. */
function isSearch(action: unknown): boolean {
  return (Object(action).type ?? 'search') === 'search';
}

/** Each call once, with an id of its own. */
function withCallIds(output: Output, ids: CallIds): Output {
  const seen = new Set<string>();
  return output.flatMap((item) => {
    if (item.type !== 'function_call') return item;
    const key = JSON.stringify([item.call_id, item.name, item.arguments]);
    if (item.call_id && seen.has(key)) return [];
    seen.add(key);
    return { ...item, call_id: ids.take(item.call_id) };
  });
}

/** The text of the answer, without the model's comments on its progress. */
function finalText(output: Output): string | undefined {
  const messages = output.filter((item) => item.type === 'message');
  if (messages.length === 0) return undefined;
  const text = messages
    .filter(({ phase }) => phase !== 'commentary')
    .flatMap(({ content }) => content)
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
  return AnswerText.of(text);
}

function refusalOf(output: Output): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'refusal' ? part.refusal : ''))
    .join('');
}

function endingOf(response: Response | undefined): Pick<ModelAnswer, 'end' | 'reason'> {
  if (response == null) return { end: undefined };
  // Some servers leave out the status of a response that is complete.
  const { status = 'completed', incomplete_details } = response;
  const reason = (status === 'incomplete' && incomplete_details?.reason) || status;
  const end = answerEndOf(reason);
  // An incomplete response is cut off, whatever the reason.
  const isCut = status === 'incomplete' && (end === 'complete' || end === 'unknown');
  return { end: isCut ? 'truncated' : end, reason };
}
