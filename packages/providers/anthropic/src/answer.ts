import type {
  ContentBlock,
  ContentBlockParam,
  Message,
  RawMessageStreamEvent,
  RefusalStopDetails,
  StopReason,
} from '@anthropic-ai/sdk/resources/messages/messages';
import type { RunContext, Usage } from '@stratagem/core';
import {
  AnswerText,
  type Arrivals,
  answerEndOf,
  CallIds,
  isRecord,
  joinCounts,
  type ModelAnswer,
  ToolInputText,
  takeEvents,
} from '@stratagem/core/runner';
import { citationsIn } from './citations.js';
import { ANSWER_TOOL } from './format.js';
import { containerIdOf, serverToolCallsIn } from './server-tools.js';
import { hourCacheWriteTokensIn, messageUsage } from './usage.js';

export interface MessageAnswer extends ModelAnswer {
  /** The blocks to repeat in the next request. */
  readonly content: ContentBlockParam[];
  /** The container that code ran in. */
  readonly containerId?: string | undefined;
}

/** The parts of a message, as far as they have arrived. */
interface PartialMessage {
  readonly content: ContentBlockParam[];
  readonly stop_reason?: StopReason | null | undefined;
  readonly stop_details?: RefusalStopDetails | null | undefined;
  readonly usage?: Usage | undefined;
  readonly model?: string | undefined;
  readonly serviceTier?: string | undefined;
  readonly hourCacheWriteTokens?: number | undefined;
  readonly container?: Message['container'] | undefined;
}

/**
 * Reads the events of an answer, and emits its text.
 *
 * @param arrivals The events that arrived together, each time.
 * @param ids The ids of the calls in the conversation so far.
 */
export async function readEvents(
  arrivals: Arrivals<RawMessageStreamEvent>,
  emit: RunContext['emit'],
  ids: CallIds,
): Promise<MessageAnswer> {
  const blocks = new BlockList();
  const text = new AnswerText(emit);
  let message: Omit<PartialMessage, 'content'> = {};
  let counts: unknown;
  let isOver = false;
  /** Returns a promise while the reader of the text is behind. */
  const take = (event: RawMessageStreamEvent): Promise<void> | undefined => {
    switch (event.type) {
      case 'message_start': {
        const { usage, model, container } = event.message ?? ({} as Partial<Message>);
        counts = usage;
        message = { ...message, model, container, ...usageIn(usage) };
        break;
      }
      case 'content_block_start':
        if (event.content_block == null) break;
        blocks.begin(event.index, event.content_block);
        return event.content_block.type === 'text' ? text.add(event.content_block.text) : undefined;
      case 'content_block_delta':
        if (event.delta == null) break;
        blocks.at(event.index).add(event.delta);
        if (event.delta.type === 'text_delta') return text.add(event.delta.text);
        if (event.delta.type === 'thinking_delta') return text.reason(event.delta.thinking);
        break;
      case 'message_delta':
        // The last counts are totals. Those that they omit were in the first event.
        counts = joinCounts(counts, event.usage);
        message = { ...message, ...definedDelta(event.delta), ...usageIn(counts) };
        break;
      case 'message_stop':
        isOver = true;
        break;
    }
    return undefined;
  };
  await takeEvents(arrivals, take, {
    isComplete: () => Boolean(message.stop_reason),
    isCounted: () => true,
    isOver: () => isOver,
  });
  await text.end();
  return answerFrom({ ...message, content: blocks.content }, ids);
}

/** Some servers send the reason again as null, and the API sends null for no container. */
function definedDelta(given: MessageDelta | null): Partial<MessageDelta> {
  const fields = Object.entries(Object(given)).filter(([, value]) => value !== null);
  return Object.fromEntries(fields);
}

/** Reads a body that was not streamed, and emits its text: some gateways do not stream. */
export async function readBody(
  body: object,
  emit: RunContext['emit'] | undefined,
  ids: CallIds,
): Promise<MessageAnswer> {
  const { type, content } = body as Partial<Message>;
  if (type !== 'message' && content === undefined) {
    return answerFrom({ content: [] }, ids);
  }
  const answer = readMessage(body as Message, ids);
  const text = new AnswerText(emit);
  for (const block of answer.content) {
    if (block.type === 'text') await text.add(block.text);
    else if (block.type === 'thinking') await text.reason(block.thinking);
  }
  await text.end();
  return answer;
}

/** The blocks as the API has them: some servers send null, a text as the content or a block, or a text that is null. */
function blocksOf(content: unknown): ContentBlockParam[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  return blocks.flatMap((block) => {
    if (typeof block === 'string') return { type: 'text' as const, text: block };
    if (!isRecord(block)) return [];
    const { type, text } = block;
    return type === 'text' && typeof text !== 'string' ? [] : (block as never);
  });
}

/** Reads a message that is complete. */
export function readMessage(message: Message, ids = new CallIds()): MessageAnswer {
  const content = blocksOf(message.content);
  return answerFrom({ ...message, content, ...usageIn(message.usage) }, ids);
}

/** The usage that a message reports, and the tier that it was served in. */
function usageIn(counts: unknown): {
  readonly usage: Usage | undefined;
  readonly serviceTier?: string;
  readonly hourCacheWriteTokens: number | undefined;
} {
  const { service_tier: serviceTier } = Object(counts) as { service_tier?: unknown };
  return {
    usage: messageUsage(counts),
    hourCacheWriteTokens: hourCacheWriteTokensIn(counts),
    ...(typeof serviceTier === 'string' && { serviceTier }),
  };
}

function answerFrom(
  { usage, model, serviceTier, hourCacheWriteTokens, ...message }: PartialMessage,
  ids: CallIds,
): MessageAnswer {
  const content = withCallIds(message.content, ids);
  const calls = content.filter((block) => block.type === 'tool_use');
  const given = calls.find(({ name }) => name === ANSWER_TOOL);
  const { explanation, category } = message.stop_details ?? {};
  const reason = message.stop_reason ?? undefined;
  const end = answerEndOf(reason);
  const answer = {
    content,
    usage,
    model,
    serviceTier,
    hourCacheWriteTokens,
    citations: citationsIn(content),
    serverToolCalls: serverToolCallsIn(content),
    containerId: containerIdOf(message.container),
    reason,
    end,
    refusal: end === 'refused' ? (explanation ?? category ?? undefined) : undefined,
  };
  if (given !== undefined) {
    // The call of this tool is the answer: no result follows.
    const text = JSON.stringify(given.input);
    return { ...answer, text, end: end === 'tool_calls' ? 'complete' : end };
  }
  return {
    ...answer,
    text: AnswerText.of(content.map((block) => (block.type === 'text' ? block.text : '')).join('')),
    toolCalls: calls.map(({ id, name, input }) => ({
      callId: id,
      tool: String(name ?? ''),
      input,
    })),
  };
}

/** Each call once, with an id of its own. */
function withCallIds(content: readonly ContentBlockParam[], ids: CallIds): ContentBlockParam[] {
  const seen = new Set<string>();
  return content.flatMap((block) => {
    if (block.type !== 'tool_use') return block;
    const key = JSON.stringify([block.id, block.name, block.input]);
    if (block.id && seen.has(key)) return [];
    seen.add(key);
    return { ...block, id: ids.take(block.id) };
  });
}

type Delta = Extract<RawMessageStreamEvent, { type: 'content_block_delta' }>['delta'];
type MessageDelta = Extract<RawMessageStreamEvent, { type: 'message_delta' }>['delta'];

/** The blocks of an answer, in their order. Some servers give every block the same index. */
class BlockList {
  readonly #blocks: BlockAccumulator[] = [];
  readonly #byIndex = new Map<number, BlockAccumulator>();

  begin(index: number, block: ContentBlock): BlockAccumulator {
    const begun = new BlockAccumulator(block);
    this.#blocks.push(begun);
    this.#byIndex.set(index, begun);
    return begun;
  }

  at(index: number): BlockAccumulator {
    return (
      this.#byIndex.get(index) ?? this.begin(index, { type: 'text', text: '', citations: null })
    );
  }

  get content(): ContentBlockParam[] {
    return this.#blocks.map(({ block }) => block);
  }
}

/** Joins a block of an answer, which arrives in pieces. */
class BlockAccumulator {
  readonly #block: Record<string, unknown>;
  readonly #input = new ToolInputText();
  readonly #citations: unknown[];

  constructor(block: ContentBlock) {
    this.#block = { ...block, ...(block.type === 'text' && { text: textOf(block.text) }) };
    const { citations } = block as { citations?: unknown };
    this.#citations = Array.isArray(citations) ? [...citations] : [];
  }

  add(delta: Delta): void {
    const append = (name: string, piece: unknown) => {
      this.#block[name] = textOf(this.#block[name]) + textOf(piece);
    };
    switch (delta.type) {
      case 'text_delta':
        append('text', delta.text);
        break;
      case 'input_json_delta':
        this.#input.add(jsonOf(delta.partial_json));
        break;
      case 'thinking_delta':
        append('thinking', delta.thinking);
        break;
      case 'signature_delta':
        append('signature', delta.signature);
        break;
      case 'citations_delta':
        if (delta.citation == null) break;
        this.#citations.push(delta.citation);
        this.#block.citations = this.#citations;
        break;
    }
  }

  get block(): ContentBlockParam {
    const { json } = this.#input;
    // Tools of the server have an input, too, which the next request must repeat.
    if (!CALLS.includes(String(this.#block.type)) || json === '') return this.#block as never;
    return { ...this.#block, input: parsed(json) } as never;
  }
}

/** The kinds of blocks that call a tool: one of the task, of the server, of an MCP server. */
const CALLS: readonly string[] = ['tool_use', 'server_tool_use', 'mcp_tool_use'];

/** Some servers send null. */
function textOf(piece: unknown): string {
  return typeof piece === 'string' ? piece : '';
}

/** Some servers send the object itself. */
function jsonOf(piece: unknown): string {
  if (typeof piece === 'string') return piece;
  return piece == null ? '' : JSON.stringify(piece);
}

/** Invalid JSON stays a text: the tool reports it to the model. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
