import type {
  ContentBlockParam,
  MessageCreateParamsBase,
  MessageParam,
  RawMessageStreamEvent,
  ToolChoice as WireChoice,
} from '@anthropic-ai/sdk/resources/messages/messages';
import {
  CallIds,
  type Dialogue,
  inputJson,
  requestAnswer,
  type ToolChoice,
  type TurnInput,
  toolChoiceFor,
  toolParametersOf,
  withProviderOptions,
} from '@stratagem/core/runner';
import { readBody, readEvents } from './answer.js';
import type { AnthropicBodyContext, AnthropicRequestContext } from './context.js';
import { ANSWER_TOOL } from './format.js';
import { DEFAULT_MAX_OUTPUT_TOKENS } from './options.js';
import { thinkingOf } from './thinking.js';

/** A conversation through the Messages API. Each request contains the whole history. */
export function messagesDialogue(context: AnthropicRequestContext): Dialogue {
  const { client, emit, request } = context;
  const history: MessageParam[] = [];
  const ids = new CallIds();
  return {
    async send(input) {
      history.push({ role: 'user', content: contentOf(input, history.at(-1)) });
      const body = messagesBody(history, context);
      const { content, ...answer } = await requestAnswer(context, {
        send: (streams) =>
          client.messages.create(streams ? { ...body, stream: true } : body, request),
        read: (events: AsyncIterable<RawMessageStreamEvent>) => readEvents(events, emit, ids),
        readWhole: (message, emit) => readBody(message, emit, ids),
      });
      history.push({ role: 'assistant', content: replayable(content) });
      return answer;
    },
  };
}

/** The body of a request for the Messages API. */
export function messagesBody(
  history: readonly MessageParam[],
  { label, model, options, format, tools }: AnthropicBodyContext,
): MessageCreateParamsBase {
  const {
    instructions,
    cachePrompts = false,
    maxOutputTokens = DEFAULT_MAX_OUTPUT_TOKENS,
  } = options;
  const { output, answerTool } = format;
  const wireTools = tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    input_schema: toolParametersOf(inputSchema),
  }));
  if (answerTool !== undefined) {
    const description = 'Gives the answer. Call it once, when the answer is complete.';
    wireTools.push({ name: ANSWER_TOOL, description, input_schema: answerTool });
  }
  const { thinking, effort } = thinkingOf(options, model, label);
  const isFirst = history.length === 1;
  const choice = choiceOf(toolChoiceFor(options, tools, isFirst), {
    tools: tools.length,
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
    ...(cachePrompts && { cache_control: { type: 'ephemeral' } }),
    ...((output || effort) && {
      output_config: { ...(output && { format: output }), ...(effort && { effort }) },
    }),
    ...(wireTools.length > 0 && { tools: wireTools }),
    ...(choice && { tool_choice: choice }),
  };
  return withProviderOptions(body, 'anthropic', options);
}

interface ToolNeeds {
  /** The number of tools of the task. */
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
  if (input.kind === 'prompt') return input.text;
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

/** A message of the model in the form that the API accepts: no empty text, and objects as inputs. */
function replayable(content: readonly ContentBlockParam[]): ContentBlockParam[] {
  const blocks = content.filter((block) => block.type !== 'text' || block.text !== '');
  return blocks.map((block) =>
    block.type === 'tool_use' ? { ...block, input: JSON.parse(inputJson(block.input)) } : block,
  );
}
