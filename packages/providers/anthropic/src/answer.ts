import type {
  ContentBlock,
  ContentBlockParam,
  Message,
  MessageDeltaUsage,
  Usage as MessageUsage,
  RawMessageStreamEvent,
  RefusalStopDetails,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { type RateLimits, type RunContext, RunnerError, type Usage } from '@stratagem/core';
import type { Turn } from '@stratagem/core/provider';
import { ANSWER_TOOL } from './format.js';

/** What a model brought. */
export interface Answer {
  /** Its blocks, as they are to be said again in the next turn. */
  readonly content: ContentBlockParam[];
  /** False when the stream stopped before its end. */
  readonly ended: boolean;
  readonly stopReason?: StopReason | null;
  readonly stopDetails?: RefusalStopDetails | null;
  readonly usage?: Usage | undefined;
  readonly model?: string;
}

/** Reads the events of an answer; text is emitted as it comes. */
export async function readAnswer(
  events: AsyncIterable<RawMessageStreamEvent>,
  emit: RunContext['emit'],
): Promise<Answer> {
  const blocks: BlockInPieces[] = [];
  let answer: Omit<Answer, 'content'> = { ended: false };
  let started: MessageUsage | undefined;
  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        started = event.message.usage;
        answer = { ...answer, model: event.message.model, usage: usageOf(started) };
        break;
      case 'content_block_start':
        blocks[event.index] = new BlockInPieces(event.content_block);
        break;
      case 'content_block_delta': {
        blocks[event.index] ??= new BlockInPieces({ type: 'text', text: '', citations: null });
        (blocks[event.index] as BlockInPieces).add(event.delta);
        if (event.delta.type === 'text_delta') await emit(event.delta.text);
        break;
      }
      case 'message_delta': {
        const { stop_reason: stopReason, stop_details: stopDetails } = event.delta;
        answer = { ...answer, stopReason, stopDetails, usage: usageOf(started, event.usage) };
        break;
      }
      case 'message_stop':
        answer = { ...answer, ended: true };
        break;
    }
  }
  return { ...answer, content: blocks.flatMap((block) => block?.whole() ?? []) };
}

/** An answer that came whole. */
export function answerOf(message: Message): Answer {
  return {
    content: message.content as ContentBlockParam[],
    ended: true,
    stopReason: message.stop_reason,
    stopDetails: message.stop_details,
    usage: usageOf(message.usage),
    model: message.model,
  };
}

type Delta = Extract<RawMessageStreamEvent, { type: 'content_block_delta' }>['delta'];

/** One block of an answer while it arrives. */
class BlockInPieces {
  readonly #block: Record<string, unknown>;
  #json = '';

  constructor(block: ContentBlock) {
    this.#block = { ...block };
  }

  add(delta: Delta): void {
    const append = (name: string, piece: string) => {
      this.#block[name] = `${(this.#block[name] as string | undefined) ?? ''}${piece}`;
    };
    switch (delta.type) {
      case 'text_delta':
        append('text', delta.text);
        break;
      case 'input_json_delta':
        this.#json += delta.partial_json;
        break;
      case 'thinking_delta':
        append('thinking', delta.thinking);
        break;
      case 'signature_delta':
        append('signature', delta.signature);
        break;
    }
  }

  whole(): ContentBlockParam {
    if (this.#block.type !== 'tool_use' || this.#json === '') return this.#block as never;
    return { ...this.#block, input: parsed(this.#json) } as never;
  }
}

/** What is no JSON stays as it is: whoever calls the tool says so to the model. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** The last counts are whole; what they leave out was said at the start. */
function usageOf(
  started: Partial<MessageUsage> = {},
  last: Partial<MessageDeltaUsage> = {},
): Usage | undefined {
  const count = (name: keyof MessageUsage & `${string}_tokens`) => last[name] ?? started[name];
  const [input, output] = [count('input_tokens'), count('output_tokens')];
  if (input == null || output == null) return undefined;
  const read = count('cache_read_input_tokens') ?? undefined;
  const written = count('cache_creation_input_tokens') ?? undefined;
  const details = last.output_tokens_details ?? started.output_tokens_details;
  return {
    // Anthropic counts what comes from the cache, and what goes into it, apart from the rest.
    inputTokens: input + (read ?? 0) + (written ?? 0),
    outputTokens: output,
    cachedInputTokens: read,
    ...(written !== undefined && { cacheWriteInputTokens: written }),
    reasoningTokens: details?.thinking_tokens,
  };
}

/** Whom was asked, and how much may be answered. */
interface Asked {
  readonly model: string;
  readonly maxOutputTokens: number;
}

interface Surroundings {
  readonly requestId: string | undefined;
  readonly rateLimits?: RateLimits | undefined;
}

/**
 * An answer that is whole. What there is of any other was emitted as it came, and is in the log.
 *
 * @throws {RunnerError} `refused`, `truncated`, or `connection` when it is not.
 */
export function toTurn(answer: Answer, asked: Asked, surroundings: Surroundings): Turn {
  requireComplete(answer, asked, surroundings);
  const { content, usage, model } = answer;
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const calls = content.filter((block) => block.type === 'tool_use');
  const given = calls.find(({ name }) => name === ANSWER_TOOL);
  const told = { usage, model, ...surroundings };
  if (given !== undefined) return { text: JSON.stringify(given.input), ...told };
  const toolCalls = calls.map(({ id, name, input }) => ({ callId: id, tool: name, input }));
  return { text, toolCalls, ...told };
}

function requireComplete(
  { ended, stopReason, stopDetails, usage, ...answer }: Answer,
  { model, maxOutputTokens }: Asked,
  surroundings: Surroundings,
): void {
  const fail = (code: RunnerError['code'], message: string) => {
    const details = { ...surroundings, usage, model: answer.model ?? model };
    throw new RunnerError(code, `anthropic/${model}${message}`, details);
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
