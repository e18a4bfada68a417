import type { Usage } from '@stratagem/core';
import type { Dialogue, TurnInput } from '@stratagem/core/provider';
import type { OpenAI } from 'openai';
import type {
  Response,
  ResponseCreateParamsBase,
  ResponseInputItem,
  ResponseStreamEvent,
  ResponseUsage,
} from 'openai/resources/responses/responses';
import type { Answer } from './answer.js';
import { exchange, type Question } from './exchange.js';

/** Asks through the Responses API; each turn says all that was said before. */
export function responsesDialogue(question: Question): Dialogue {
  const { client, request } = question;
  const history: ResponseInputItem[] = [];
  return {
    async say(input) {
      history.push(...itemsOf(input));
      const body = responsesBody(history, question);
      let response: Response | undefined;
      const turn = await exchange(
        question,
        () => client.responses.create({ ...body, stream: true }, request),
        eventsOf,
        async (events) => {
          const answer = await read(events, question, (whole) => {
            response = whole;
          });
          return answer;
        },
      );
      // What the model thought goes along with what it called: it may not be left out.
      history.push(...((response?.output ?? []) as ResponseInputItem[]));
      return turn;
    },
  };
}

/** A request for the Responses API. */
export function responsesBody(
  history: readonly ResponseInputItem[],
  { model, options, format, tools }: Pick<Question, 'model' | 'options' | 'format' | 'tools'>,
): ResponseCreateParamsBase {
  const [only] = history;
  const isPrompt = history.length === 1 && only?.type === 'message' && 'role' in only;
  return {
    model,
    // One prompt is a text; the API takes either.
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
        // What it calls tools with is validated here; not every schema can be a strict one.
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

/** A whole response as the event that ends a stream. */
function eventsOf(response: Partial<Response>): ResponseStreamEvent[] {
  const { status, output } = response;
  // What has neither is no response.
  if (status === undefined && output === undefined) return [];
  const type = status === 'incomplete' || status === 'failed' ? status : 'completed';
  return [{ type: `response.${type}`, response: response as Response, sequence_number: 0 }];
}

async function read(
  events: AsyncIterable<ResponseStreamEvent> | Iterable<ResponseStreamEvent>,
  { client, emit }: Question,
  done: (response: Response) => void,
): Promise<Answer> {
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
        // The request was fine and the answer failed: the SDK passes that on as an event.
        throw new APIError(
          undefined,
          event.response.error ?? undefined,
          'the response failed',
          undefined,
        );
      case 'error':
        // The SDK throws these itself, unless the server leaves out the name of the event.
        throw new APIError(undefined, event, undefined, undefined);
    }
  }
  if (response !== undefined) done(response);
  return answerOf(response, { text, refusal });
}

/** Some servers do not repeat at the end what they have sent before. */
function withOutput(response: Response, items: Response['output']): Response {
  if (response.output?.length) return response;
  return { ...response, output: items.flatMap((item) => item ?? []) };
}

/** @param streamed What came in pieces, for a response that does not repeat it. */
export function answerOf(
  response: Response | undefined,
  streamed: Pick<Answer, 'text' | 'refusal'> = { text: '', refusal: '' },
): Answer {
  const output = response?.output ?? [];
  const calls = output.filter((item) => item.type === 'function_call');
  return {
    text: finalText(output) ?? streamed.text,
    toolCalls: calls.map((call) => ({
      callId: call.call_id,
      tool: call.name,
      input: call.arguments,
    })),
    refusal: streamed.refusal || refusalOf(output),
    end: response && endOf(response),
    usage: response?.usage ? usageOf(response.usage) : undefined,
    model: response?.model,
  };
}

/** The text of the answer proper: a model may also have commented on what it was doing. */
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

function endOf({ status, incomplete_details }: Response): Answer['end'] {
  if (status !== 'incomplete') return 'complete';
  return incomplete_details?.reason === 'content_filter' ? 'filtered' : 'truncated';
}

function usageOf(usage: ResponseUsage): Usage {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cachedInputTokens: usage.input_tokens_details?.cached_tokens,
    cacheWriteInputTokens: usage.input_tokens_details?.cache_write_tokens || undefined,
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens,
  };
}
