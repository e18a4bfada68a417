import type { RunContext } from '@stratagem/core';
import {
  type AnswerEnd,
  type Dialogue,
  type ModelAnswer,
  readWireUsage,
  requestAnswer,
  type TurnInput,
} from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import type {
  Response,
  ResponseCreateParamsBase,
  ResponseInputItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import type { OpenAIBodyContext, OpenAIRequestContext } from './context.js';

/** A conversation through the Responses API. Each request contains the whole history. */
export function responsesDialogue(context: OpenAIRequestContext): Dialogue {
  const { client, request } = context;
  const history: ResponseInputItem[] = [];
  return {
    async send(input) {
      history.push(...itemsOf(input));
      const body = responsesBody(history, context);
      const { output, ...answer } = await requestAnswer(context, {
        send: () => client.responses.create({ ...body, stream: true }, request),
        read: (events) => readEvents(events, context),
        readWhole: (response) => readEvents(eventsOf(response), context),
      });
      // Reasoning items must be repeated together with the tool calls that they led to.
      history.push(...(output as ResponseInputItem[]));
      return answer;
    },
  };
}

/** The body of a request for the Responses API. */
export function responsesBody(
  history: readonly ResponseInputItem[],
  { model, options, format, tools }: OpenAIBodyContext,
): ResponseCreateParamsBase {
  const [only] = history;
  const isPrompt = history.length === 1 && only?.type === 'message' && 'role' in only;
  return {
    model,
    // The API takes a single prompt as a text too.
    input: isPrompt ? (only.content as string) : [...history],
    instructions: options.instructions,
    temperature: options.temperature,
    max_output_tokens: options.maxOutputTokens,
    ...(format.wire && { text: { format: format.wire } }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        name,
        description,
        parameters: inputSchema,
        // The executor validates the input; not every schema can be strict.
        strict: false,
      })),
    }),
  };
}

function itemsOf(input: TurnInput): ResponseInputItem[] {
  if (input.kind === 'tool_results') {
    return input.results.map(({ callId, result }) => ({
      type: 'function_call_output',
      call_id: callId,
      output: result.text,
    }));
  }
  return [{ type: 'message', role: 'user', content: input.text }];
}

/** A response that was not streamed, as the last event of a stream. */
function eventsOf(response: Partial<Response>): ResponseStreamEvent[] {
  const { status, output } = response;
  // A body without both is not a response.
  if (status === undefined && output === undefined) return [];
  const type = status === 'incomplete' || status === 'failed' ? status : 'completed';
  return [{ type: `response.${type}`, response: response as Response, sequence_number: 0 }];
}

async function readEvents(
  events: AsyncIterable<ResponseStreamEvent> | Iterable<ResponseStreamEvent>,
  { client, emit }: { readonly client: OpenAI; readonly emit: RunContext['emit'] },
): Promise<ResponseAnswer> {
  const { APIError } = client.constructor as typeof OpenAI;
  let text = '';
  let refusal = '';
  let response: Response | undefined;
  const items: Response['output'] = [];
  for await (const event of events) {
    switch (event.type) {
      case 'response.output_text.delta':
        text += event.delta;
        await emit(event.delta);
        break;
      case 'response.refusal.delta':
        refusal += event.delta;
        break;
      case 'response.output_item.done':
        items[event.output_index] = event.item;
        break;
      case 'response.completed':
      case 'response.incomplete':
        response = withOutput(event.response, items);
        break;
      case 'response.failed':
        // The SDK does not throw this event, as the request itself succeeded.
        throw new APIError(
          undefined,
          event.response.error ?? undefined,
          'the response failed',
          undefined,
        );
      case 'error':
        // The SDK throws this event itself, unless the server omits the event's name.
        throw new APIError(undefined, event, undefined, undefined);
    }
  }
  return readResponse(response, { text, refusal });
}

/** Some servers do not repeat the streamed items in the final response. */
function withOutput(response: Response, items: Response['output']): Response {
  if (response.output?.length) return response;
  return { ...response, output: items.flatMap((item) => item ?? []) };
}

interface ResponseAnswer extends ModelAnswer {
  /** The items to repeat in the next request. */
  readonly output: Response['output'];
}

/** @param streamed The streamed text, for a response that does not repeat it. */
export function readResponse(
  response: Response | undefined,
  streamed = { text: '', refusal: '' },
): ResponseAnswer {
  const output = response?.output ?? [];
  const calls = output.filter((item) => item.type === 'function_call');
  return {
    output,
    text: finalText(output) ?? streamed.text,
    toolCalls: calls.map((call) => ({
      callId: call.call_id,
      tool: call.name,
      input: call.arguments,
    })),
    refusal: streamed.refusal || refusalOf(output),
    end: response && statusEnd(response),
    ...readWireUsage(response?.usage),
    model: response?.model,
  };
}

/** The text of the answer, without the model's comments on its progress. */
function finalText(output: Response['output']): string | undefined {
  const messages = output.filter((item) => item.type === 'message');
  if (messages.length === 0) return undefined;
  return messages
    .filter(({ phase }) => phase !== 'commentary')
    .flatMap(({ content }) => content)
    .map((part) => (part.type === 'output_text' ? part.text : ''))
    .join('');
}

function refusalOf(output: Response['output']): string {
  return output
    .flatMap((item) => (item.type === 'message' ? item.content : []))
    .map((part) => (part.type === 'refusal' ? part.refusal : ''))
    .join('');
}

function statusEnd({ status, incomplete_details }: Response): AnswerEnd {
  if (status !== 'incomplete') return 'complete';
  return incomplete_details?.reason === 'content_filter' ? 'filtered' : 'truncated';
}
