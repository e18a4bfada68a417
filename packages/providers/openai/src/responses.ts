import type { TaskOutput, Usage } from '@stratagem/core';
import type { OpenAI } from 'openai';
import type {
  Response,
  ResponseStreamEvent,
  ResponseUsage,
} from 'openai/resources/responses/responses';
import { type Answer, toTaskOutput } from './answer.js';
import { exchange, type Question } from './exchange.js';

/** Asks through the Responses API. */
export function askResponses(question: Question): Promise<TaskOutput> {
  const { client, model, prompt, options, request } = question;
  return exchange(
    question,
    () =>
      client.responses.create(
        {
          model,
          input: prompt,
          instructions: options.instructions,
          temperature: options.temperature,
          max_output_tokens: options.maxOutputTokens,
          stream: true,
        },
        request,
      ),
    eventsOf,
    async (events, requestId) => toTaskOutput(await read(events, question, requestId), question),
  );
}

/** A whole response as the event that ends a stream. */
function eventsOf(response: Response): ResponseStreamEvent[] {
  const { status } = response;
  const type = status === 'incomplete' || status === 'failed' ? status : 'completed';
  return [{ type: `response.${type}`, response, sequence_number: 0 }];
}

async function read(
  events: AsyncIterable<ResponseStreamEvent> | Iterable<ResponseStreamEvent>,
  { client, emit }: Question,
  requestId: string | undefined,
): Promise<Answer> {
  const { APIError } = client.constructor as typeof OpenAI;
  let text = '';
  let refusal = '';
  let response: Response | undefined;
  for await (const event of events) {
    switch (event.type) {
      case 'response.output_text.delta':
        text += event.delta;
        emit(event.delta);
        break;
      case 'response.refusal.delta':
        refusal += event.delta;
        break;
      case 'response.completed':
      case 'response.incomplete':
        response = event.response;
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
  return {
    text: (response && finalText(response)) ?? text,
    refusal,
    end: response && endOf(response),
    usage: response?.usage ? usageOf(response.usage) : undefined,
    model: response?.model,
    requestId,
  };
}

/** The text of the answer proper: a model may also have commented on what it was doing. */
function finalText({ output = [] }: Response): string | undefined {
  const messages = output.filter((item) => item.type === 'message');
  if (messages.length === 0) return undefined;
  return messages
    .filter(({ phase }) => phase !== 'commentary')
    .flatMap(({ content }) => content)
    .map((part) => (part.type === 'output_text' ? part.text : ''))
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
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens,
  };
}
