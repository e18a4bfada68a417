import type { Anthropic } from '@anthropic-ai/sdk';
import type {
  ContentBlockParam,
  Message,
  MessageCreateParamsBase,
  MessageParam,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { RequestTool, RunContext } from '@stratagem/core';
import { type Dialogue, parseRateLimits, type TurnInput } from '@stratagem/core/provider';
import { type Answer, answerOf, readAnswer, toTurn } from './answer.js';
import { toRunnerError } from './errors.js';
import { ANSWER_TOOL, type Format } from './format.js';
import type { AnthropicOptions } from './options.js';

/** One task's question: whom to ask, and how. */
export interface Question {
  readonly client: Anthropic;
  readonly model: string;
  readonly maxOutputTokens: number;
  readonly options: AnthropicOptions;
  readonly format: Format;
  readonly tools: readonly RequestTool[];
  readonly request: {
    readonly signal: AbortSignal;
    readonly timeout: number;
    readonly maxRetries: 0;
  };
  readonly emit: RunContext['emit'];
}

/** Asks through the Messages API; each turn says all that was said before. */
export function messagesDialogue(question: Question): Dialogue {
  const history: MessageParam[] = [];
  return {
    async say(input) {
      history.push({ role: 'user', content: contentOf(input, history.at(-1)) });
      const { answer, ...surroundings } = await exchange(history, question);
      history.push({ role: 'assistant', content: replayable(answer.content) });
      return toTurn(answer, question, surroundings);
    },
  };
}

/** A request for the Messages API. */
export function messagesBody(
  history: readonly MessageParam[],
  {
    model,
    maxOutputTokens,
    options,
    format,
    tools,
  }: Pick<Question, 'model' | 'maxOutputTokens' | 'options' | 'format' | 'tools'>,
): MessageCreateParamsBase {
  const { instructions, cachePrompts = false } = options;
  const { output, answerTool } = format;
  const wireTools = tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    input_schema: { ...inputSchema, type: 'object' as const },
  }));
  if (answerTool !== undefined) {
    const description = 'Gives the answer. Call it once, when the answer is complete.';
    wireTools.push({ name: ANSWER_TOOL, description, input_schema: answerTool });
  }
  return {
    model,
    max_tokens: maxOutputTokens,
    system: instructions,
    messages: [...history],
    ...(cachePrompts && { cache_control: { type: 'ephemeral' } }),
    ...(output && { output_config: { format: output } }),
    ...(wireTools.length > 0 && { tools: wireTools }),
    ...(answerTool && {
      // Its own tools may have to be called first, but in the end it must be this one.
      tool_choice: tools.length > 0 ? { type: 'any' } : { type: 'tool', name: ANSWER_TOOL },
    }),
  };
}

/** @param last What the model said before. */
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
  // A call of the answer's tool wants a result, whatever else is said.
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

/** What the model said as the API takes it back: it wants no empty text, and objects as inputs. */
function replayable(content: readonly ContentBlockParam[]): ContentBlockParam[] {
  const said = content.filter((block) => block.type !== 'text' || block.text !== '');
  return said.map((block) =>
    block.type === 'tool_use' && typeof block.input !== 'object' ? { ...block, input: {} } : block,
  );
}

/**
 * Sends a request and reads the stream that answers it.
 *
 * @throws {RunnerError} whatever goes wrong.
 */
async function exchange(history: readonly MessageParam[], question: Question) {
  const { client, request, emit } = question;
  let requestId: string | undefined;
  let answering = false;
  try {
    const body = messagesBody(history, question);
    const sent = client.messages.create({ ...body, stream: true }, request);
    const { data: events, response, request_id } = await sent.withResponse();
    requestId = request_id ?? undefined;
    answering = true;
    const isWhole = response.headers.get('content-type')?.includes('application/json');
    const answer = isWhole ? await wholeOf(response, question) : await readAnswer(events, emit);
    return { answer, requestId, rateLimits: parseRateLimits(response.headers) };
  } catch (thrown) {
    throw toRunnerError(thrown, question, { requestId, answering });
  }
}

/** What gateways answer that do not stream: a message, or an error under a status of 200. */
async function wholeOf(response: Response, { client, emit }: Question): Promise<Answer> {
  const whole = Object(await response.json()) as { type?: string; error?: unknown };
  if (whole.error) {
    const { APIError } = client.constructor as typeof Anthropic;
    throw new APIError(undefined, whole, undefined, response.headers);
  }
  if (whole.type !== 'message') return { content: [], ended: false };
  const answer = answerOf(whole as Message);
  for (const block of answer.content) if (block.type === 'text') await emit(block.text);
  return answer;
}
