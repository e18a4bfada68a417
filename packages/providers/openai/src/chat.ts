import {
  type Arrivals,
  CallIds,
  type Dialogue,
  type RequestAttachment,
  refuseAttachment,
  requestAnswer,
  type ToolChoice,
  type TurnInput,
  textOfAttachment,
  toolChoiceFor,
  toolParametersOf,
  urlOf,
  withProviderOptions,
} from '@stratagem/core/runner';
import type {
  ChatCompletionContentPart,
  ChatCompletionCreateParamsBase,
  ChatCompletionMessageParam,
  ChatCompletionToolChoiceOption,
  ChatCompletionUserMessageParam,
} from 'openai/resources/chat/completions';
import { type Chunk, chunksOf, readChunks } from './chat-answer.js';
import type { OpenAIBodyContext, OpenAIRequestContext } from './context.js';
import { deliveryFields } from './delivery.js';
import { effortOf } from './effort.js';
import type { WireFormat } from './format.js';
import { limitFieldOf, switchLimitField } from './limit-field.js';
import type { OpenAIOptions } from './options.js';
import { refuseServerTools } from './server-tools.js';

/** A conversation through Chat Completions. Each request contains the whole history. */
export function chatDialogue(context: OpenAIRequestContext): Dialogue {
  const { client, options, request } = context;
  const history = initialMessages(options);
  const ids = new CallIds();
  return {
    async send(input) {
      history.push(...messagesOf(input));
      const ask = () => {
        const body = chatBody(history, context);
        return requestAnswer(context, {
          send: (streams) =>
            client.chat.completions.create(streams ? streamed(body) : body, request),
          read: (arrivals: Arrivals<Chunk>, emit) => readChunks(arrivals, emit, ids),
          readWhole: (completion, emit) => readChunks([chunksOf(completion)], emit, ids),
        });
      };
      const { message, ...answer } = await ask().catch(async (thrown) => {
        await switchLimitField(thrown, context);
        return ask();
      });
      history.push(message);
      return answer;
    },
  };
}

/** The body of a request for a stream. */
function streamed(body: ChatCompletionCreateParamsBase): ChatCompletionCreateParamsBase {
  return { ...body, stream: true, stream_options: { include_usage: true, ...body.stream_options } };
}

/** The messages before the first prompt. */
export function initialMessages({ instructions }: OpenAIOptions): ChatCompletionMessageParam[] {
  return instructions === undefined ? [] : [{ role: 'system', content: instructions }];
}

/** The body of a request for Chat Completions. */
export function chatBody(
  history: readonly ChatCompletionMessageParam[],
  { client, label, model, options, format, tools }: OpenAIBodyContext,
): ChatCompletionCreateParamsBase {
  const isFirst = history.every(({ role }) => role !== 'assistant');
  refuseServerTools(options, label);
  const toolChoice = toolChoiceFor(options, tools, isFirst);
  const body = {
    model,
    messages: [...history],
    temperature: options.temperature,
    top_p: options.topP,
    seed: options.seed,
    stop: options.stopSequences && [...options.stopSequences],
    reasoning_effort: effortOf(options, label),
    ...deliveryFields(options),
    ...(toolChoice && { tool_choice: wireChoice(toolChoice) }),
    [limitFieldOf(client, model)]: options.maxOutputTokens,
    ...(format.wire && { response_format: responseFormat(format.wire) }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function' as const,
        function: { name, description, parameters: toolParametersOf(inputSchema) },
      })),
    }),
  };
  return withProviderOptions(body, 'openai', options);
}

function wireChoice(choice: ToolChoice): ChatCompletionToolChoiceOption {
  if (typeof choice === 'string') return choice;
  return { type: 'function', function: { name: choice.toolName } };
}

function responseFormat(wire: WireFormat) {
  if (wire.type === 'json_object') return wire;
  const { type, ...jsonSchema } = wire;
  return { type, json_schema: jsonSchema };
}

function messagesOf(input: TurnInput): ChatCompletionMessageParam[] {
  if (input.kind === 'tool_results') {
    return input.results.map(({ callId, result }) => ({
      role: 'tool',
      tool_call_id: callId,
      content: result.text,
    }));
  }
  return [{ role: 'user', content: input.kind === 'prompt' ? chatContent(input) : input.text }];
}

/** The content of a message of the user: a text, or the attachments and the text. */
export function chatContent({
  text,
  attachments = [],
}: Pick<Prompt, 'text' | 'attachments'>): ChatCompletionUserMessageParam['content'] {
  if (attachments.length === 0) return text;
  return [...attachments.map(chatPart), { type: 'text', text }];
}

function chatPart(attachment: RequestAttachment): ChatCompletionContentPart {
  const { filename, mediaType } = attachment;
  const text = textOfAttachment(attachment);
  if (text !== undefined) return { type: 'text', text };
  const url = urlOf(attachment);
  if (mediaType.startsWith('image/')) return { type: 'image_url', image_url: { url } };
  if (attachment.data === undefined) {
    const remedy = "use api: 'responses', or the path of a file";
    refuseAttachment(
      attachment,
      `is an address, which Chat Completions takes of images alone; ${remedy}`,
    );
  }
  return { type: 'file', file: { filename, file_data: url } };
}

/** A text of the user. */
type Prompt = Exclude<TurnInput, { kind: 'tool_results' | 'correction' }>;
