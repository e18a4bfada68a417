import type {
  Base64ImageSource,
  ContentBlockParam,
  MessageCreateParamsBase,
  MessageParam,
  RawMessageStreamEvent,
  ToolUnion,
  ToolChoice as WireChoice,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { Usage } from '@stratagem/core';
import {
  type Arrivals,
  addUsage,
  base64Of,
  CallIds,
  type Dialogue,
  inputJson,
  isTextType,
  type RequestAttachment,
  RunnerError,
  refuseAttachment,
  replayedName,
  requestAnswer,
  serverToolsOf,
  type ToolChoice,
  type TurnInput,
  textOfAttachment,
  toolChoiceFor,
  toolNamesOf,
  toolParametersOf,
  withProviderOptions,
} from '@stratagem/core/runner';
import { type MessageAnswer, readBody, readEvents } from './answer.js';
import { citationsIn } from './citations.js';
import type { AnthropicBodyContext, AnthropicRequestContext } from './context.js';
import { ANSWER_TOOL } from './format.js';
import { DEFAULT_MAX_OUTPUT_TOKENS } from './options.js';
import { containerField, serverToolCallsIn, wireServerTool } from './server-tools.js';
import { thinkingOf } from './thinking.js';

/** A conversation through the Messages API. Each request contains the whole history. */
export function messagesDialogue(context: AnthropicRequestContext): Dialogue {
  const { client, request } = context;
  const history: MessageParam[] = [];
  const ids = new CallIds();
  let containerId: string | undefined;
  return {
    async send(input) {
      history.push({ role: 'user', content: contentOf(input, history.at(-1)) });
      const parts: MessageAnswer[] = [];
      for (;;) {
        const body = messagesBody(history, context, containerId);
        const answer = await requestAnswer(context, {
          send: (streams) =>
            client.messages.create(streams ? { ...body, stream: true } : body, request),
          read: (arrivals: Arrivals<RawMessageStreamEvent>, emit) =>
            readEvents(arrivals, emit, ids),
          readWhole: (message, emit) => readBody(message, emit, ids),
          continuesPaused: parts.length < MAX_PAUSES,
        }).catch((thrown) => {
          throw withUsageOf(parts, thrown);
        });
        parts.push(answer);
        containerId = answer.containerId ?? containerId;
        history.push({ role: 'assistant', content: replayable(answer.content) });
        // The server has paused a long turn with tools of its own: the same request continues it.
        if (answer.end !== 'paused') return joinParts(parts);
      }
    },
  };
}

/** How often one answer is continued after a pause. */
const MAX_PAUSES = 10;

/** The parts before a failed one have used tokens, too. */
function withUsageOf(parts: readonly MessageAnswer[], thrown: unknown): unknown {
  if (parts.length === 0 || !(thrown instanceof RunnerError)) return thrown;
  return Object.assign(thrown, { usage: addUsage(usageOf(parts), thrown.usage) });
}

function usageOf(parts: readonly MessageAnswer[]): Usage | undefined {
  let usage: Usage | undefined;
  for (const part of parts) usage = addUsage(usage, part.usage);
  return usage;
}

/** The parts of an answer that the server has paused, as one. */
function joinParts(
  parts: readonly MessageAnswer[],
): Omit<MessageAnswer, 'content' | 'containerId'> {
  const { content: _, containerId: __, ...last } = parts.at(-1) as MessageAnswer;
  if (parts.length === 1) return last;
  const content = parts.flatMap((part) => part.content);
  return {
    ...last,
    usage: usageOf(parts),
    hourCacheWriteTokens: parts.reduce((sum, part) => sum + (part.hourCacheWriteTokens ?? 0), 0),
    text: last.toolCalls?.length ? last.text : parts.map(({ text }) => text).join(''),
    citations: citationsIn(content),
    serverToolCalls: serverToolCallsIn(content),
  };
}

/** The body of a request for the Messages API. */
export function messagesBody(
  history: readonly MessageParam[],
  { label, model, options, format, tools }: AnthropicBodyContext,
  containerId?: string,
): MessageCreateParamsBase {
  const {
    instructions,
    promptCacheTtl: ttl,
    cachePrompts = ttl !== undefined,
    serviceTier,
    maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS,
  } = options;
  const { output, answerTool } = format;
  const serverTools = serverToolsOf(options, tools);
  const wireTools: ToolUnion[] = [
    ...tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      input_schema: toolParametersOf(inputSchema),
    })),
    ...serverTools.map(wireServerTool),
  ];
  if (answerTool !== undefined) {
    const description = 'Gives the answer. Call it once, when the answer is complete.';
    wireTools.push({ name: ANSWER_TOOL, description, input_schema: answerTool });
  }
  const { thinking, effort } = thinkingOf(options, model, label);
  const isFirst = history.length === 1;
  const callable = toolNamesOf(tools, serverTools);
  const choice = choiceOf(toolChoiceFor(options, callable, isFirst), {
    tools: callable.length,
    needsAnswerTool: answerTool !== undefined,
    thinks: thinking !== undefined && thinking.type !== 'disabled',
  });
  const body: MessageCreateParamsBase = {
    model,
    max_tokens: maxOutputTokens,
    system: instructions,
    messages: [...history],
    stop_sequences: options.stopSequences && [...options.stopSequences],
    ...(thinking && { thinking }),
    ...(serviceTier && { service_tier: serviceTier as 'auto' }),
    ...(cachePrompts && {
      cache_control: { type: 'ephemeral', ...(ttl !== undefined && { ttl: ttl as '1h' }) },
    }),
    ...((output || effort) && {
      output_config: { ...(output && { format: output }), ...(effort && { effort }) },
    }),
    ...(wireTools.length > 0 && { tools: wireTools }),
    ...(choice && { tool_choice: choice }),
    ...containerField(containerId, options),
  };
  return withProviderOptions(body, 'anthropic', options);
}

interface ToolNeeds {
  /** The number of tools that the model may call. */
  readonly tools: number;
  readonly needsAnswerTool: boolean;
  readonly thinks: boolean;
}

function choiceOf(
  choice: ToolChoice | undefined,
  { tools, needsAnswerTool, thinks }: ToolNeeds,
): WireChoice | undefined {
  if (typeof choice === 'object') return { type: 'tool', name: choice.toolName };
  if (needsAnswerTool) {
    // The API refuses to force a call from a model that thinks.
    if (thinks) return { type: 'auto' };
    // With other tools, the model may call those first.
    if (tools > 0 && choice !== 'none') return { type: 'any' };
    return { type: 'tool', name: ANSWER_TOOL };
  }
  return choice && { type: choice === 'required' ? 'any' : choice };
}

/** @param last The message of the model before this one. */
function contentOf(input: TurnInput, last: MessageParam | undefined): MessageParam['content'] {
  if (input.kind === 'tool_results') {
    return input.results.map(({ callId, result }) => ({
      type: 'tool_result',
      tool_use_id: callId,
      content: result.text,
      ...(!result.ok && { is_error: true }),
    }));
  }
  if (input.kind === 'prompt') return promptContent(input);
  // The API requires a result for a call of the answer tool, so the correction is that result.
  const blocks = (Array.isArray(last?.content) ? last.content : []) as ContentBlockParam[];
  const calls = blocks.filter((block) => block.type === 'tool_use');
  if (calls.length === 0) return input.text;
  return calls.map(({ id }) => ({
    type: 'tool_result',
    tool_use_id: id,
    content: input.text,
    is_error: true,
  }));
}

/** The content of the first message: a text, or the attachments and the text. */
export function promptContent({
  text,
  attachments = [],
}: {
  readonly text: string;
  readonly attachments?: readonly RequestAttachment[] | undefined;
}): MessageParam['content'] {
  if (attachments.length === 0) return text;
  return [...attachments.map(blockOf), { type: 'text', text }];
}

function blockOf(attachment: RequestAttachment): ContentBlockParam {
  const { filename: title, mediaType } = attachment;
  if (mediaType.startsWith('image/') && !isTextType(mediaType)) {
    if (attachment.data === undefined) {
      return { type: 'image', source: { type: 'url', url: attachment.url } };
    }
    const media_type = mediaType as Base64ImageSource['media_type'];
    return { type: 'image', source: { type: 'base64', media_type, data: base64Of(attachment) } };
  }
  if (attachment.data === undefined) {
    if (mediaType !== 'application/pdf') {
      refuseAttachment(attachment, 'is an address, which the API takes of images and PDFs alone');
    }
    return { type: 'document', title, source: { type: 'url', url: attachment.url } };
  }
  if (mediaType === 'application/pdf') {
    const data = base64Of(attachment);
    return { type: 'document', title, source: { type: 'base64', media_type: mediaType, data } };
  }
  return { type: 'text', text: textOfAttachment(attachment) as string };
}

/** A message of the model in the form that the API accepts: no empty text, and objects as inputs. */
function replayable(content: readonly ContentBlockParam[]): ContentBlockParam[] {
  const blocks = content.filter((block) => block.type !== 'text' || block.text !== '');
  return blocks.map((block) =>
    block.type === 'tool_use'
      ? { ...block, name: replayedName(block.name), input: JSON.parse(inputJson(block.input)) }
      : block,
  );
}
