import {
  type Arrivals,
  CallIds,
  type Dialogue,
  definedFields,
  inputJson,
  isServerTool,
  type RequestAttachment,
  RunnerError,
  replayedName,
  requestAnswer,
  type ServerToolOptions,
  serverToolsOf,
  type ToolChoice,
  type TurnInput,
  textOfAttachment,
  toolChoiceFor,
  toolNamesOf,
  toolParametersOf,
  urlOf,
  withProviderOptions,
} from '@stratagem/core/runner';
import type {
  ResponseCreateParamsBase,
  ResponseInputContent,
  ResponseInputItem,
  ResponseInputMessageContentList,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import type { OpenAIBodyContext, OpenAIRequestContext } from './context.js';
import { deliveryFields, isStateless } from './delivery.js';
import { effortOf } from './effort.js';
import { NOT_IN_RESPONSES, type OpenAIOptions } from './options.js';
import { eventsOf, type Output, readEvents } from './responses-answer.js';
import { serverToolFields, WIRE_TYPES } from './server-tools.js';

/** A conversation through the Responses API. Each request contains the whole history. */
export function responsesDialogue(context: OpenAIRequestContext): Dialogue {
  const { client, options, request } = context;
  const history: ResponseInputItem[] = [];
  const ids = new CallIds();
  return {
    async send(input) {
      history.push(...itemsOf(input));
      const body = responsesBody(history, context);
      const { output, ...answer } = await requestAnswer(context, {
        send: (streams) =>
          client.responses.create(streams ? { ...body, stream: true } : body, request),
        read: (arrivals: Arrivals<ResponseStreamEvent>, emit) =>
          readEvents(arrivals, { client, emit }, ids),
        readWhole: (response, emit) => readEvents([eventsOf(response)], { client, emit }, ids),
      });
      // Reasoning items must be repeated together with the tool calls that they led to.
      history.push(...output.filter((item) => isKnown(item, options)).map(replayable));
      return answer;
    },
  };
}

/** The body of a request for the Responses API. */
export function responsesBody(
  history: readonly ResponseInputItem[],
  { label, model, options, format, tools }: OpenAIBodyContext,
): ResponseCreateParamsBase {
  requireSupported(options, label);
  const isFirst = history.every(
    (item) => item.type === 'message' && 'role' in item && item.role === 'user',
  );
  const serverTools = serverToolsOf(options, tools);
  const own = serverToolFields(serverTools, label);
  const toolChoice = toolChoiceFor(options, toolNamesOf(tools, serverTools), isFirst);
  const effort = effortOf(options, label);
  const [only] = history;
  const isPrompt = history.length === 1 && only?.type === 'message' && 'role' in only;
  const include = [
    ...(isStateless(options) ? ['reasoning.encrypted_content' as const] : []),
    ...own.include,
  ];
  const wireTools = [
    ...tools.map(({ name, description, inputSchema }) => ({
      type: 'function' as const,
      name,
      description,
      parameters: toolParametersOf(inputSchema),
      // The executor validates the input; not every schema can be strict.
      strict: false,
    })),
    ...own.tools,
  ];
  const body = {
    model,
    // The API takes a single prompt as a text too.
    input: isPrompt && typeof only.content === 'string' ? only.content : [...history],
    instructions: options.instructions,
    temperature: options.temperature,
    top_p: options.topP,
    ...(effort && { reasoning: { effort } }),
    ...deliveryFields(options),
    ...(include.length > 0 && { include }),
    ...definedFields({ max_tool_calls: own.max_tool_calls }),
    ...(toolChoice && { tool_choice: wireChoice(toolChoice, serverTools) }),
    max_output_tokens: options.maxOutputTokens,
    ...(format.wire && { text: { format: format.wire } }),
    ...(wireTools.length > 0 && { tools: wireTools }),
  };
  return withProviderOptions(body, 'openai', options);
}

/** @throws {RunnerError} `invalid_request` for an option that this API does not have. */
function requireSupported(options: OpenAIOptions, label: string): void {
  const name = NOT_IN_RESPONSES.find((each) => options[each] !== undefined);
  if (name === undefined) return;
  const message = `${label}: the Responses API has no option for ${name}; use api: 'chat'`;
  throw new RunnerError('invalid_request', message);
}

function wireChoice(
  choice: ToolChoice,
  serverTools: readonly ServerToolOptions[],
): ResponseCreateParamsBase['tool_choice'] {
  if (typeof choice === 'string') return choice;
  const { toolName: name } = choice;
  return isServerTool(serverTools, name)
    ? { type: WIRE_TYPES[name] as 'code_interpreter' }
    : { type: 'function', name };
}

function itemsOf(input: TurnInput): ResponseInputItem[] {
  if (input.kind === 'tool_results') {
    return input.results.map(({ callId, result }) => ({
      type: 'function_call_output',
      call_id: callId,
      output: result.text,
    }));
  }
  const content = input.kind === 'prompt' ? responsesContent(input) : input.text;
  return [{ type: 'message', role: 'user', content }];
}

/** The content of a message of the user: a text, or the attachments and the text. */
export function responsesContent({
  text,
  attachments = [],
}: {
  readonly text: string;
  readonly attachments?: readonly RequestAttachment[] | undefined;
}): string | ResponseInputMessageContentList {
  if (attachments.length === 0) return text;
  return [...attachments.map(inputPart), { type: 'input_text', text }];
}

function inputPart(attachment: RequestAttachment): ResponseInputContent {
  const { filename, mediaType } = attachment;
  const text = textOfAttachment(attachment);
  if (text !== undefined) return { type: 'input_text', text };
  const url = urlOf(attachment);
  if (mediaType.startsWith('image/'))
    return { type: 'input_image', image_url: url, detail: 'auto' };
  return attachment.data === undefined
    ? { type: 'input_file', file_url: url }
    : { type: 'input_file', filename, file_data: url };
}

/** Whether the server can read an item again: reasoning that it did not store only in encrypted form. */
function isKnown(item: Output[number], options: OpenAIOptions): boolean {
  return item.type !== 'reasoning' || !isStateless(options) || Boolean(item.encrypted_content);
}

/** An item of an answer in the form that the API accepts. */
function replayable(item: Output[number]): ResponseInputItem {
  if (item.type !== 'function_call') return item as ResponseInputItem;
  return { ...item, name: replayedName(item.name), arguments: inputJson(item.arguments) };
}
