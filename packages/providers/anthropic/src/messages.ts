import type { Anthropic } from '@anthropic-ai/sdk';
import type {
  MessageDeltaUsage,
  Usage as MessageUsage,
  RawMessageStreamEvent,
  RefusalStopDetails,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { RunnerError, type TaskOutput, type Usage } from '@stratagem/core';
import { toRunnerError } from './errors.js';
import type { AnthropicOptions } from './options.js';

/** One task's question: whom to ask what, and how. */
export interface Question {
  readonly client: Anthropic;
  readonly model: string;
  readonly prompt: string;
  readonly maxOutputTokens: number;
  readonly options: AnthropicOptions;
  readonly request: {
    readonly signal: AbortSignal;
    readonly timeout: number;
    readonly maxRetries: 0;
  };
  readonly emit: (text: string) => void;
}

/**
 * Asks through the Messages API.
 *
 * @throws {RunnerError} whatever goes wrong.
 */
export async function ask(question: Question): Promise<TaskOutput> {
  const { client, model, prompt, maxOutputTokens, options, request, emit } = question;
  let requestId: string | undefined;
  let answering = false;
  try {
    const { data: events, request_id } = await client.messages
      .create(
        {
          model,
          max_tokens: maxOutputTokens,
          system: options.instructions,
          messages: [{ role: 'user', content: prompt }],
          stream: true,
        },
        request,
      )
      .withResponse();
    requestId = request_id ?? undefined;
    answering = true;
    const answer = await read(events, emit);
    requireComplete(answer, question, requestId);
    return { output: answer.text, usage: answer.usage, model: answer.model, requestId };
  } catch (thrown) {
    throw toRunnerError(thrown, question, { requestId, answering });
  }
}

/** What a stream brought. */
interface Answer {
  text: string;
  /** False when the stream stopped before its end. */
  ended: boolean;
  stopReason?: StopReason | null;
  stopDetails?: RefusalStopDetails | null;
  usage?: Usage;
  model?: string;
}

async function read(
  events: AsyncIterable<RawMessageStreamEvent>,
  emit: (text: string) => void,
): Promise<Answer> {
  const answer: Answer = { text: '', ended: false };
  let started: MessageUsage | undefined;
  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        started = event.message.usage;
        answer.model = event.message.model;
        answer.usage = usageOf(started);
        break;
      case 'content_block_delta':
        if (event.delta.type === 'text_delta') {
          answer.text += event.delta.text;
          emit(event.delta.text);
        }
        break;
      case 'message_delta':
        answer.stopReason = event.delta.stop_reason;
        answer.stopDetails = event.delta.stop_details;
        answer.usage = usageOf(started, event.usage);
        break;
      case 'message_stop':
        answer.ended = true;
        break;
    }
  }
  return answer;
}

/** The last counts are whole; what they leave out was said at the start. */
function usageOf(
  started: Partial<MessageUsage> = {},
  last: Partial<MessageDeltaUsage> = {},
): Usage | undefined {
  const count = (name: keyof MessageUsage & `${string}_tokens`) => last[name] ?? started[name];
  const [input, output] = [count('input_tokens'), count('output_tokens')];
  if (input == null || output == null) return undefined;
  const cached = count('cache_read_input_tokens');
  const details = last.output_tokens_details ?? started.output_tokens_details;
  return {
    // Anthropic counts what comes from the cache, and what goes into it, apart from the rest.
    inputTokens: input + (cached ?? 0) + (count('cache_creation_input_tokens') ?? 0),
    outputTokens: output,
    cachedInputTokens: cached ?? undefined,
    reasoningTokens: details?.thinking_tokens,
  };
}

/** What there is of an answer that is not whole was emitted as it came, and is in the log. */
function requireComplete(
  { ended, stopReason, stopDetails, usage }: Answer,
  { model, maxOutputTokens }: Question,
  requestId: string | undefined,
): void {
  const fail = (code: RunnerError['code'], message: string) => {
    throw new RunnerError(code, `anthropic/${model}${message}`, { requestId, usage });
  };
  if (!ended) fail('connection', ': the stream ended before the answer was complete');
  switch (stopReason) {
    case 'refusal': {
      const why = stopDetails?.explanation ?? stopDetails?.category;
      fail('refused', ` refused${why ? `: ${why}` : ' to answer'}`);
      break;
    }
    case 'max_tokens':
      fail(
        'truncated',
        `: the answer was cut off after ${maxOutputTokens} tokens; raise maxOutputTokens`,
      );
      break;
    case 'model_context_window_exceeded':
      fail('truncated', ": the answer was cut off at the end of the model's context window");
  }
}
