import type {
  ContentBlock,
  ContentBlockParam,
  Message,
  RawMessageStreamEvent,
  RefusalStopDetails,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { RunContext, Usage } from '@stratagem/core';
import { type AnswerEnd, joinCounts, type ModelAnswer } from '@stratagem/core/runner';
import { ANSWER_TOOL } from './format.js';
import { messageUsage } from './usage.js';

export interface MessageAnswer extends ModelAnswer {
  /** The blocks to repeat in the next request. */
  readonly content: ContentBlockParam[];
}

/** The parts of a message, as far as they have arrived. */
interface PartialMessage {
  readonly content: ContentBlockParam[];
  readonly ended: boolean;
  readonly stop_reason?: StopReason | null | undefined;
  readonly stop_details?: RefusalStopDetails | null | undefined;
  readonly usage?: Usage | undefined;
  readonly model?: string | undefined;
}

/** Reads the events of an answer, and emits its text. */
export async function readEvents(
  events: AsyncIterable<RawMessageStreamEvent>,
  emit: RunContext['emit'],
): Promise<MessageAnswer> {
  const blocks: BlockAccumulator[] = [];
  let message: Omit<PartialMessage, 'content'> = { ended: false };
  let counts: unknown;
  for await (const event of events) {
    switch (event.type) {
      case 'message_start':
        counts = event.message.usage;
        message = { ...message, model: event.message.model, usage: messageUsage(counts) };
        break;
      case 'content_block_start':
        blocks[event.index] = new BlockAccumulator(event.content_block);
        break;
      case 'content_block_delta': {
        blocks[event.index] ??= new BlockAccumulator({ type: 'text', text: '', citations: null });
        (blocks[event.index] as BlockAccumulator).add(event.delta);
        if (event.delta.type === 'text_delta') await emit(event.delta.text);
        break;
      }
      case 'message_delta':
        // The last counts are totals. Those that they omit were in the first event.
        counts = joinCounts(counts, event.usage);
        message = { ...message, ...event.delta, usage: messageUsage(counts) };
        break;
      case 'message_stop':
        message = { ...message, ended: true };
        break;
    }
  }
  return answerFrom({ ...message, content: blocks.flatMap((block) => block?.block ?? []) });
}

/** Reads a body that was not streamed, and emits its text: some gateways do not stream. */
export async function readBody(body: object, emit: RunContext['emit']): Promise<MessageAnswer> {
  if ((body as Partial<Message>).type !== 'message') {
    return answerFrom({ content: [], ended: false });
  }
  const answer = readMessage(body as Message);
  for (const block of answer.content) if (block.type === 'text') await emit(block.text);
  return answer;
}

/** Reads a message that is complete. */
export function readMessage(message: Message): MessageAnswer {
  const content = message.content as ContentBlockParam[];
  return answerFrom({ ...message, content, ended: true, usage: messageUsage(message.usage) });
}

function answerFrom({ content, usage, model, ...message }: PartialMessage): MessageAnswer {
  const calls = content.filter((block) => block.type === 'tool_use');
  const given = calls.find(({ name }) => name === ANSWER_TOOL);
  const { explanation, category } = message.stop_details ?? {};
  const end = message.ended ? endOf(message.stop_reason) : undefined;
  const answer = {
    content,
    usage,
    model,
    end,
    refusal: end === 'refused' ? (explanation ?? category ?? undefined) : undefined,
  };
  if (given !== undefined) return { ...answer, text: JSON.stringify(given.input) };
  return {
    ...answer,
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    toolCalls: calls.map(({ id, name, input }) => ({ callId: id, tool: name, input })),
  };
}

function endOf(reason: StopReason | null | undefined): AnswerEnd {
  switch (reason) {
    case 'refusal':
      return 'refused';
    case 'max_tokens':
      return 'truncated';
    case 'model_context_window_exceeded':
      return 'context_full';
    default:
      return 'complete';
  }
}

type Delta = Extract<RawMessageStreamEvent, { type: 'content_block_delta' }>['delta'];

/** Joins a block of an answer, which arrives in pieces. */
class BlockAccumulator {
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

  get block(): ContentBlockParam {
    if (this.#block.type !== 'tool_use' || this.#json === '') return this.#block as never;
    return { ...this.#block, input: parsed(this.#json) } as never;
  }
}

/** Invalid JSON stays a text: the tool reports it to the model. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
